import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import { type PageOptions, recordPage, singleRecord } from '../store/read.ts'
import type { Statement } from '../store/statement.ts'
import { Cursors } from './cursor.ts'
import { PROBLEM_TYPE, problemOf } from './problem.ts'
import { consistencyOf, pageOptions, readOptions } from './read-options.ts'
import type { ApiAnswer, ApiRequest, DataRead, ReadRequest, Route } from './route.ts'

/** The two kinds of data routes: one record, and a list in pages. */

const DEFAULT_LIMIT = 100

interface Common<P extends z.ZodRawShape> {
  path: string
  name: string
  summary: string
  params?: z.ZodObject<P>
}

/** A route to one record; 404 when there is none. */
export function recordRoute<P extends z.ZodRawShape>(
  route: Common<P> & {
    record: z.ZodType
    what(params: z.infer<z.ZodObject<P>>): string
    statement(params: z.infer<z.ZodObject<P>>): Statement
  },
): Route {
  const read = ({ params }: ReadRequest): DataRead => ({
    statement: route.statement(params),
    answer(result) {
      const record = singleRecord(result)
      if (record !== undefined) return { status: 200, body: record }
      const missing = problemOf(new BorealError('not_found', `there is no ${route.what(params)}`))
      return { status: missing.status, body: JSON.stringify(missing) }
    },
  })
  return {
    ...common(route),
    query: z.strictObject(readOptions),
    answer: route.record,
    read,
    handle: (request) => answerRead(request, read(request)),
  }
}

/** A route to a list. The statement must ask for one row more than the limit. */
export function listRoute<P extends z.ZodRawShape, Q extends z.ZodRawShape>(
  route: Common<P> & {
    record: z.ZodType
    filters?: Q
    statement(filters: z.infer<z.ZodObject<Q>>, page: PageOptions, params: z.infer<z.ZodObject<P>>): Statement
  },
): Route {
  const read = ({ storeId, params, query }: ReadRequest): DataRead => {
    const { limit = DEFAULT_LIMIT, cursor, consistency, minLsn, asOfLsn, asOfTime, ...filters } = query
    const cursors = new Cursors(storeId, [route.path, params, filters])
    return {
      statement: route.statement(filters, { limit, after: cursors.decode(cursor) }, params),
      answer(result) {
        const { items, nextKey } = recordPage(result, limit)
        const next = nextKey === undefined ? '' : `,"nextCursor":"${cursors.encode(nextKey)}"`
        return { status: 200, body: `{"items":${items}${next}}` }
      },
    }
  }
  return {
    ...common(route),
    query: z.strictObject({ ...route.filters, ...pageOptions, ...readOptions }),
    answer: z.object({ items: z.array(route.record), nextCursor: z.string().optional() }),
    read,
    handle: (request) => answerRead(request, read(request)),
  }
}

function common<P extends z.ZodRawShape>({ path, name, summary, params }: Common<P>) {
  return { method: 'GET' as const, scope: 'read' as const, path, name, summary, ...(params ? { params } : {}) }
}

async function answerRead({ node, query, principal }: ApiRequest, read: DataRead): Promise<ApiAnswer> {
  const { lsn, ageMs, results } = await node.read([read.statement], consistencyOf(query), principal.name)
  const answer = read.answer(results[0]!)
  const type = answer.status === 200 ? {} : { 'Content-Type': PROBLEM_TYPE }
  return { ...answer, headers: { ...type, 'Boreal-Lsn': String(lsn), 'Boreal-Age-Ms': String(ageMs) } }
}
