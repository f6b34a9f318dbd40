import type { Table } from '../store/table.ts'
import { compareStores, type Readable } from './compare.ts'
import { readWhole } from './row-changes.ts'
import { type ChangeKind, type DifferingRow, inOrder } from './summary.ts'

/** One row that differs, as it is here and there. */
export interface DifferingItem {
  key: string
  change: ChangeKind
  live?: object
  target?: object
}

/** A page of what differs in one table, in the order of the keys; `next` is what the next one comes after. */
export async function differencePage(
  table: Table,
  live: Readable,
  target: Readable,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<{ items: DifferingItem[]; next?: string }> {
  const found: DifferingRow[] = []
  for await (const differing of compareStores(live, target, { tables: [table], after })) {
    found.push(...inOrder(differing))
    if (found.length > limit) break
  }
  const shown = found.slice(0, limit)
  const keys = shown.map(({ row }) => row.key)
  const rows = async (store: Readable) =>
    new Map((await readWhole(store, table, keys)).map((row) => [table.key(row), row]))
  const [ours, theirs] = await Promise.all([rows(live), rows(target)])
  const items = shown.map(({ row: { key }, kind }) => ({
    key,
    change: kind,
    ...(ours.has(key) ? { live: ours.get(key)! } : {}),
    ...(theirs.has(key) ? { target: theirs.get(key)! } : {}),
  }))
  const last = shown.at(-1)
  return found.length > limit && last !== undefined ? { items, next: last.row.key } : { items }
}
