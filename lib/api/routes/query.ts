import * as z from 'zod'
import { BorealError } from '../../model/errors.ts'
import { lsn, text } from '../../model/scalars.ts'
import { MAX_QUERY_ROWS } from '../../node/node.ts'
import { jsonValueOf, typeName } from '../../store/column-types.ts'
import { SqlError } from '../../store/protocol.ts'
import { MAX_PAGE_BYTES } from '../../store/read.ts'
import type { ResultSet } from '../../store/result-set.ts'
import { toParam } from '../../store/statement.ts'
import { consistencyOf, readOptions } from '../read-options.ts'
import type { Route } from '../route.ts'

const scalar = z.union([text, z.number(), z.boolean(), z.null()])

const queryRequest = z.strictObject({
  sql: text.min(1).max(100_000),
  params: z
    .array(z.union([scalar, z.array(scalar)]))
    .max(1_000)
    .optional(),
  maxRows: z.int().min(1).max(MAX_QUERY_ROWS).optional(),
})

const queryAnswer = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.record(z.string(), z.unknown())),
  truncated: z.boolean(),
  lsn,
})

const runQuery: Route = {
  method: 'POST',
  path: '/v1/query',
  name: 'query',
  summary: `Read-only SQL over the tables and views of the store: one query, at most ${MAX_QUERY_ROWS} rows and 5 s`,
  scope: 'read',
  query: z.strictObject(readOptions),
  body: queryRequest,
  answer: queryAnswer,
  async handle({ node, body: { sql, params = [], maxRows = MAX_QUERY_ROWS }, query, principal }) {
    const answer = await node
      .query({ sql, params: params.map(toParam) }, maxRows, consistencyOf(query), principal.name)
      .catch((error: unknown) => {
        throw error instanceof SqlError
          ? new BorealError('query_failed', `${error.message} (SQLSTATE ${error.code})`, { cause: error })
          : error
      })
    const { columns, rows, truncated } = tableOf(answer.result)
    return {
      body: JSON.stringify({ columns, rows, truncated, lsn: answer.lsn }),
      headers: { 'Boreal-Lsn': String(answer.lsn) },
    }
  },
}

function tableOf(result: ResultSet) {
  const names = distinctNames(result.columns.map((column) => column.name))
  const columns = result.columns.map(({ typeId }, index) => ({ name: names[index]!, type: typeName(typeId) }))
  const rows: Record<string, unknown>[] = []
  let bytes = 0
  for (const cells of result.rows) {
    for (const cell of cells) bytes += cell?.byteLength ?? 4
    if (bytes > MAX_PAGE_BYTES) return { columns, rows, truncated: true }
    rows.push(
      Object.fromEntries(cells.map((cell, index) => [names[index], jsonValueOf(cell, result.columns[index]!.typeId)])),
    )
  }
  return { columns, rows, truncated: result.truncated }
}

/** Rows are objects, so a name that comes twice gets a number, one that no other column has. */
function distinctNames(names: string[]): string[] {
  const given = new Set(names)
  const counts = new Map<string, number>()
  return names.map((name) => {
    let count = (counts.get(name) ?? 0) + 1
    while (count > 1 && given.has(`${name}_${count}`)) count++
    counts.set(name, count)
    return count === 1 ? name : `${name}_${count}`
  })
}

export const queryRoutes = [runQuery]
