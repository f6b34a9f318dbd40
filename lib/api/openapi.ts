import * as z from 'zod'
import manifest from '../../package.json' with { type: 'json' }
import { PROBLEM_TYPE, problem } from './problem.ts'
import type { Route } from './route.ts'

/** The OpenAPI 3.1 document, from the same schemas that validate. */
export function openApiDocument(routes: readonly Route[]) {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    paths[route.path]![route.method.toLowerCase()] = operationOf(route)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Boreal',
      version: manifest.version,
      description: `${manifest.description}. Every answer carries Boreal-Store and, where it shows a state, Boreal-Lsn.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(problem, 'output') },
      responses: {
        Problem: {
          description: 'What is wrong, with a stable code',
          content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  }
}

function operationOf(route: Route) {
  return {
    operationId: route.name,
    summary: route.summary,
    ...(route.scope === undefined ? { security: [] } : { 'x-scope': route.scope }),
    parameters: [
      ...parametersOf(route.params, 'path'),
      ...parametersOf(route.query, 'query'),
      ...(route.name === 'submitTransaction' ? [header('Idempotency-Key', 128), header('Boreal-Reason', 500)] : []),
    ],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } },
        }),
    responses: {
      '200': {
        description: 'The answer',
        content: { 'application/json': { schema: schemaOf(route.answer, 'output') } },
      },
      ...(route.accepted === undefined
        ? {}
        : {
            '202': {
              description: 'It goes on; the answer will be at /v1/operations/{operationId}',
              content: { 'application/json': { schema: schemaOf(route.accepted, 'output') } },
            },
          }),
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

function parametersOf(schema: z.ZodObject | undefined, place: 'path' | 'query') {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !(field instanceof z.ZodOptional),
    schema: schemaOf(field as z.ZodType, 'input'),
  }))
}

function header(name: string, maxLength: number) {
  return { name, in: 'header', required: false, schema: { type: 'string', maxLength } }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output') {
  const { $schema, ...json } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' })
  return json
}
