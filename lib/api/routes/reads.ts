import * as z from 'zod'
import { operation, operationResult } from '../../model/operations.ts'
import { precondition } from '../../model/preconditions.ts'
import { lsn, text } from '../../model/scalars.ts'
import { MAX_OPERATIONS, MAX_PRECONDITIONS } from '../../model/transaction.ts'
import { readMany } from '../read-many.ts'
import { consistencyOf, readOptions } from '../read-options.ts'
import type { Route } from '../route.ts'
import { authorize } from '../tokens.ts'
import { checkSize } from './transactions.ts'

/** Reads that one request may have. */
export const MAX_READS = 100

const readsRequest = z
  .strictObject({
    reads: z.array(z.strictObject({ path: text.max(8_000) })).max(MAX_READS),
    preconditions: z.array(precondition).max(MAX_PRECONDITIONS).optional(),
    operations: z.array(operation).max(MAX_OPERATIONS).optional(),
  })
  .refine(({ reads, preconditions = [], operations = [] }) => reads.length + preconditions.length + operations.length, {
    path: ['reads'],
    message: 'must not be empty without preconditions and operations',
  })

const readsAnswer = z.object({
  lsn,
  answers: z.array(z.object({ status: z.int(), body: z.unknown() })),
  results: z.array(operationResult).optional(),
})

/** The route over the data routes that it can combine. */
export function readsRoute(dataRoutes: Route[]): Route {
  return {
    method: 'POST',
    path: '/v1/reads',
    name: 'readMany',
    summary:
      'Several reads at one place of the log: the paths of data routes, with their parameters. Preconditions are checked ' +
      'there, too. With operations (scope write) the answers show the state as these would leave it; nothing is committed',
    scope: 'read',
    query: z.strictObject(readOptions),
    body: readsRequest,
    checkSize,
    answer: readsAnswer,
    async handle({ node, principal, body, query }) {
      const { reads, preconditions = [], operations } = body as z.infer<typeof readsRequest>
      if (operations !== undefined) authorize(principal, 'write')
      const request = { paths: reads.map(({ path }) => path), preconditions, operations: operations ?? [] }
      const { lsn, ageMs, answers, results } = await readMany(
        node,
        dataRoutes,
        request,
        consistencyOf(query),
        principal.name,
      )
      const texts = answers.map(({ status, body }) => `{"status":${status},"body":${body}}`)
      const result = operations === undefined ? '' : `,"results":${JSON.stringify(results)}`
      return {
        body: `{"lsn":${lsn},"answers":[${texts.join(',')}]${result}}`,
        headers: { 'Boreal-Lsn': String(lsn), 'Boreal-Age-Ms': String(ageMs) },
      }
    },
  }
}
