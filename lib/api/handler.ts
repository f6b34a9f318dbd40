import middy, { type MiddyfiedHandler } from '@middy/core'
import httpHeaderNormalizer from '@middy/http-header-normalizer'
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda'
import type * as z from 'zod'
import type { ApiOptions } from './api-options.ts'
import { checkStore } from './check-store.ts'
import { problemMiddleware } from './problem-middleware.ts'
import { isOfPast } from './read-options.ts'
import { parseBody } from './request-body.ts'
import type { Route } from './route.ts'
import { matchRoute, parse, validated } from './router.ts'
import { routes } from './routes.ts'
import { authenticate, authorize, type Principal } from './tokens.ts'

/** An event of API Gateway, or of the embedded server, which may have found a fault before there was an event. */
export interface ApiEvent extends APIGatewayProxyEvent {
  refusal?: Error
}

export type ApiHandler = MiddyfiedHandler<ApiEvent, APIGatewayProxyResult>

/** Who asks where no token is needed. */
const ANYBODY: Principal = { name: 'anybody', scope: 'read' }

/**
 * The API as a Lambda handler for API Gateway REST events; the embedded server calls the same one. The order is: route,
 * token, store, input, work. So whoever may not ask learns nothing about the store.
 */
export function createApiHandler(options: ApiOptions): ApiHandler {
  const handle = async (event: ApiEvent): Promise<APIGatewayProxyResult> => {
    if (event.refusal !== undefined) throw event.refusal
    const { route, params } = matchRoute(routes, event.httpMethod, event.path)
    const headers = event.headers as Record<string, string | undefined>
    const principal = route.scope === undefined ? ANYBODY : authenticate(options.tokens, headers.authorization)
    if (route.scope !== undefined) authorize(principal, route.scope)
    const node = await options.node()
    checkStore(headers['boreal-store'], node.storeId)
    const query = (event.multiValueQueryStringParameters ?? {}) as Record<string, string[]>
    const input = validated(route, params, query)
    const body = route.body === undefined ? undefined : validBody(route.body, route, parseBody(event, headers))
    const answer = await route.handle({
      node,
      principal,
      headers,
      body,
      storeId: node.storeId,
      // Inside an entry records change without another version.
      records: isOfPast(input.query as object) ? undefined : node.records,
      ...input,
    })
    return {
      statusCode: answer.status ?? 200,
      headers: { 'Content-Type': 'application/json', 'Boreal-Store': node.storeId, ...answer.headers },
      body: answer.body,
    }
  }
  return middy<ApiEvent, APIGatewayProxyResult>()
    .use(httpHeaderNormalizer())
    .use(problemMiddleware(options))
    .handler(handle)
}

/** The body as the route's schema gives it. */
function validBody(schema: z.ZodType, { checkSize }: Route, body: unknown): unknown {
  checkSize?.(body)
  return parse(schema, body, '')
}
