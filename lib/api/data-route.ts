import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import { recordOrKnown } from '../store/kept-records.ts'
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
  return routeToRecord(route, ({ params }) => ({
    statement: route.statement(params),
    answer: (result) => recordAnswer(singleRecord(result), route.what(params)),
  }))
}

/**
 * A route to one record that can have megabytes: its text is kept, so that it is put together once a version, and those of
 * a client who ask at the same time share a read. The statement gives (key, text, version), the text NULL if the version is
 * the known one.
 */
export function largeRecordRoute<P extends z.ZodRawShape>(
  route: Common<P> & {
    record: z.ZodType
    key(params: z.infer<z.ZodObject<P>>): string
    what(params: z.infer<z.ZodObject<P>>): string
    statement(key: string, known: number | undefined): Statement
  },
): Route {
  const alone = routeToRecord(route, ({ params, records }) => {
    const key = route.key(params)
    const place = `${route.name} ${key}`
    // What is known now is what the answer may leave out, whatever is kept or dropped in between.
    const known = records?.get(place)
    return {
      statement: route.statement(key, known?.version),
      answer(result) {
        const record = recordOrKnown(result, known)
        if (record !== undefined && record !== known) records?.keep(place, record)
        return recordAnswer(record?.bytes, route.what(params))
      },
    }
  })
  return {
    ...alone,
    handle: (request) => {
      const { node, principal, params, query } = request
      const key = JSON.stringify([route.name, route.key(params), consistencyOf(query), principal.name])
      return node.shared.read(key, async () => alone.handle(request))
    },
  }
}

function recordAnswer(record: string | Buffer | undefined, what: string): ReturnType<DataRead['answer']> {
  if (record !== undefined) return { status: 200, body: record }
  const missing = problemOf(new BorealError('not_found', `there is no ${what}`))
  return { status: missing.status, body: JSON.stringify(missing) }
}

function routeToRecord<P extends z.ZodRawShape>(
  route: Common<P> & { record: z.ZodType },
  read: (request: ReadRequest) => DataRead,
): Route {
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
    const { limit = DEFAULT_LIMIT, cursor, consistency, minLsn, asOfLsn, asOfTime, recovery, ...filters } = query
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
  const { status, body } = read.answer(results[0]!)
  const type = status === 200 ? {} : { 'Content-Type': PROBLEM_TYPE }
  return { status, body, headers: { 'Boreal-Lsn': String(lsn), 'Boreal-Age-Ms': String(ageMs), ...type } }
}
