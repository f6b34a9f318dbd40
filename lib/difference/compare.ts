import { compareText } from '../model/compare-text.ts'
import { TABLES } from '../store/apply-event.ts'
import { type ComparedRow, chunkRows, comparedRows, rowsByKey, sameRow } from '../store/compared-rows.ts'
import type { ResultSet } from '../store/result-set.ts'
import type { Statement } from '../store/statement.ts'
import { quietly } from '../store/store.ts'
import type { Table } from '../store/table.ts'

/** A store as far as a comparison needs one: something that reads. */
export interface Readable {
  read(statements: Statement[]): Promise<ResultSet[]>
}

/** How the rows of some keys differ, by what would have to be done to make the first store like the second one. */
export interface Differing {
  table: Table
  /** Only the second store has them. */
  added: ComparedRow[]
  /** Both have them, but not the same. These are those of the second store. */
  changed: ComparedRow[]
  /** Only the first store has them. */
  removed: ComparedRow[]
}

export interface CompareOptions {
  /** Rows that are compared at a time. Bounds memory, and how long a store is busy with one read. */
  chunk?: number
  /** Which tables; default all. */
  tables?: readonly Table[]
  /** Only rows behind this key (of a single table). */
  after?: string | undefined
}

export const CHUNK_ROWS = 2_000

/**
 * How two stores differ, table by table, in the order of the keys, a chunk at a time. Everything counts but versions.
 * What was read of the first store may come from different places of the log: what
 * has changed in between is right in some way, and has to be looked at again by whoever acts on it.
 */
export async function* compareStores(
  live: Readable,
  target: Readable,
  { chunk = CHUNK_ROWS, tables = TABLES, after }: CompareOptions = {},
): AsyncGenerator<Differing> {
  for (const table of tables) yield* compareTable(table, live, target, chunk, after)
}

async function* compareTable(
  table: Table,
  live: Readable,
  target: Readable,
  limit: number,
  start: string | undefined,
): AsyncGenerator<Differing> {
  const list = async (store: Readable, after: string | undefined) =>
    comparedRows(table, (await store.read([chunkRows(table, { after, limit })]))[0])
  const listBoth = (after: string | undefined) => quietly(Promise.all([list(live, after), list(target, after)]))
  for (let next = listBoth(start); ; ) {
    const rows = await next
    // A full chunk says nothing about what is behind its last row.
    const ends = rows.filter((list) => list.length === limit).map((list) => list.at(-1)!.key)
    const end = ends.sort((a, b) => compareKeys(table, a, b))[0]
    // Read while whoever asked works on this one.
    if (end !== undefined) next = listBoth(end)
    const until = (list: ComparedRow[]) =>
      end === undefined ? list : list.filter(({ key }) => compareKeys(table, key, end) <= 0)
    const differing = differingRows(table, until(rows[0]), until(rows[1]))
    if (!isEmpty(differing)) yield differing
    if (end === undefined) return
  }
}

/** How the rows with these keys differ. */
export async function compareKeysOf(
  table: Table,
  keys: readonly string[],
  live: Readable,
  target: Readable,
): Promise<Differing> {
  const statement = rowsByKey(table, keys)
  const list = async (store: Readable) => comparedRows(table, (await store.read([statement]))[0])
  const [ours, theirs] = await Promise.all([list(live), list(target)])
  return differingRows(table, ours, theirs)
}

export function isEmpty({ added, changed, removed }: Differing): boolean {
  return added.length + changed.length + removed.length === 0
}

/** Both are in the order of their keys. */
function differingRows(table: Table, ours: ComparedRow[], theirs: ComparedRow[]): Differing {
  const differing: Differing = { table, added: [], changed: [], removed: [] }
  let next = 0
  for (const row of theirs) {
    while (next < ours.length && compareKeys(table, ours[next]!.key, row.key) < 0) differing.removed.push(ours[next++]!)
    const old = ours[next]
    if (old?.key !== row.key) {
      differing.added.push(row)
      continue
    }
    if (!sameRow(old, row)) differing.changed.push(row)
    next++
  }
  // One by one: what belongs to some updates can be more rows than a call takes arguments.
  for (; next < ours.length; next++) differing.removed.push(ours[next]!)
  return differing
}

/** The order in which the database has the keys of a table. */
export function compareKeys(table: Table, a: string, b: string): number {
  if (a === b) return 0
  if (table.keyWidth === undefined) return compareText(a, b)
  const [a1, a2] = JSON.parse(a) as [string, string]
  const [b1, b2] = JSON.parse(b) as [string, string]
  return compareText(a1, b1) || compareText(a2, b2)
}
