import { type RawBuilder, sql } from 'kysely'
import type { ResultSet } from './result-set.ts'
import type { Statement } from './statement.ts'

/** A read as plain data: a statement whose rows are (key, JSON text of the record). Any store can run it. */
export interface RecordRead {
  statement: Statement
}

/** Rows of a page that is being asked for. */
export interface PageOptions {
  /** Go on after this key. */
  after?: string | undefined
  limit: number
}

/** A page's records take at most so many bytes; it ends early. */
export const MAX_PAGE_BYTES = 5 * 1024 * 1024

/**
 * SQL of the bytes in the rows before the last one, of those columns (`json`) that can be large. Rows for which this
 * is more than a page are not made into records: a page of large records would cost what they all take together.
 */
export function bytesBefore(columns: string[], order: string | RawBuilder<unknown>): RawBuilder<unknown> {
  const place = typeof order === 'string' ? sql.ref(order) : order
  const bytes = sql.join(
    columns.map((column) => sql`coalesce(octet_length(${sql.ref(column)}::text), 0)`),
    sql` + `,
  )
  return sql`coalesce(sum(${bytes}) over (order by ${place} rows between unbounded preceding and 2 preceding), 0)
    as bytes_before`
}

/** The condition that goes with {@link bytesBefore}: at least one row follows those that fill the page. */
export const fitsPage = sql<boolean>`bytes_before <= ${sql.lit(MAX_PAGE_BYTES)}`

export interface RecordPage {
  /** The records as the text of a JSON array. */
  items: string
  /** Key to go on after; absent on the last page. */
  nextKey?: string
}

/**
 * Puts a page together. The statement must have asked for one row more than `limit`, so that it is known whether
 * anything follows. A single record larger than a page still comes, alone.
 */
export function recordPage(result: ResultSet, limit: number): RecordPage {
  const parts: string[] = []
  let bytes = 0
  let lastKey: string | undefined
  for (const [key, record] of result.rows) {
    const full = parts.length === limit || (parts.length > 0 && bytes + record!.byteLength > MAX_PAGE_BYTES)
    if (full) return { items: `[${parts.join(',')}]`, nextKey: lastKey! }
    bytes += record!.byteLength
    parts.push(record!.toString('utf8'))
    lastKey = key!.toString('utf8')
  }
  return { items: `[${parts.join(',')}]` }
}

/** The text of the single record of a read; `undefined` when there is none. */
export function singleRecord(result: ResultSet | undefined): string | undefined {
  return result?.rows[0]?.[1]?.toString('utf8')
}
