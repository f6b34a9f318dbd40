import * as z from 'zod'
import { BorealError } from '../../model/errors.ts'
import { lsn, text } from '../../model/scalars.ts'
import { MAX_PAGE_BYTES } from '../../store/read.ts'
import { problemOf } from '../problem.ts'
import { consistencyOf, readOptions } from '../read-options.ts'
import { parseTarget } from '../request-target.ts'
import type { DataRead, Route } from '../route.ts'
import { matchRoute, validated } from '../router.ts'

const readsRequest = z.strictObject({
  reads: z
    .array(z.strictObject({ path: text.max(8_000) }))
    .min(1)
    .max(100),
})

const readsAnswer = z.object({ lsn, answers: z.array(z.object({ status: z.int(), body: z.unknown() })) })

/** Parameters that belong to the whole list, not to one of its reads. */
const SHARED = Object.keys(readOptions)

/** The route over the data routes that it can combine. */
export function readsRoute(dataRoutes: Route[]): Route {
  return {
    method: 'POST',
    path: '/v1/reads',
    name: 'readMany',
    summary: 'Several reads at one place of the log: the paths of data routes, with their parameters',
    scope: 'read',
    query: z.strictObject(readOptions),
    body: readsRequest,
    answer: readsAnswer,
    async handle({ node, body, query }) {
      const reads = (body.reads as { path: string }[]).map(({ path }) => planned(path, dataRoutes, node.storeId))
      const statements = reads.flatMap((read) => ('statement' in read ? [read.statement] : []))
      const { lsn, ageMs, results } = await node.read(statements, consistencyOf(query))
      let next = 0
      const answers = reads.map((read) => ('statement' in read ? read.answer(results[next++]!) : read))
      const texts = answers.map(({ status, body }) => `{"status":${status},"body":${body}}`)
      if (texts.reduce((bytes, each) => bytes + Buffer.byteLength(each), 0) > MAX_PAGE_BYTES) {
        throw new BorealError('too_large', 'the answers are larger than 5 MB together; read less at once')
      }
      return {
        body: `{"lsn":${lsn},"answers":[${texts.join(',')}]}`,
        headers: { 'Boreal-Lsn': String(lsn), 'Boreal-Age-Ms': String(ageMs) },
      }
    },
  }
}

/** What one path reads, or the problem it has; a bad one does not spoil the others. */
function planned(path: string, routes: Route[], storeId: string): DataRead | { status: number; body: string } {
  try {
    const target = parseTarget(path)
    const match = matchRoute(routes, 'GET', target.path)
    for (const name of Object.keys(target.query)) {
      if (SHARED.includes(name)) throw new BorealError('invalid_field', `${name} is said once, for all reads`)
    }
    return match.route.read!({ storeId, ...validated(match.route, match.params, target.query) })
  } catch (error) {
    const problem = problemOf(error)
    return { status: problem.status, body: JSON.stringify(problem) }
  }
}
