import type { StagedEvent } from '../log/frames.ts'
import type { RowEntity } from '../model/events.ts'
import { type ComparedRow, wholeRows } from '../store/compared-rows.ts'
import { jobUpdatesTable } from '../store/job-updates-table.ts'
import { rowsOf, selectByKeys } from '../store/read-rows.ts'
import type { Table } from '../store/table.ts'
import { taskConfigsTable } from '../store/task-configs-table.ts'
import type { Differing, Readable } from './compare.ts'

/** Rows that are read whole at a time. */
const ROWS = 500

/**
 * Turns what differs into events, piece by piece, in the order of the tables. Remembers what must be known for those that
 * come later: which updates went with everything that belongs to them, and which have to be written because something that
 * belongs to them is (whatever changes about an update changes its row).
 */
export class RowChanges {
  readonly #target: Readable
  /** Configs that rows put here refer to. */
  readonly configs = new Set<string>()
  readonly #written = new Set<string>()
  readonly #removed = new Set<string>()
  readonly #touched = new Set<string>()

  constructor(target: Readable) {
    this.#target = target
  }

  async *of({ table, added, changed, removed }: Differing): AsyncGenerator<StagedEvent[]> {
    const gone = this.#gone(table, removed)
    if (gone.length > 0) yield [{ event: 'rowsRemoved', v: 1, entity: entityOf(table), keys: gone }]
    yield* this.#put(table, [...added, ...changed])
    if (table.parent === undefined) return
    for (const { key } of [...added, ...changed, ...removed]) this.#touched.add(parentKeyOf(table, key))
  }

  /** Behind all tables: updates that differ only in what belongs to them. */
  async *rest(): AsyncGenerator<StagedEvent[]> {
    const left = [...this.#touched].filter((key) => !this.#written.has(key) && !this.#removed.has(key))
    yield* this.#read(jobUpdatesTable as Table, left)
  }

  /** What is removed by itself: configs go with their last reference, and parts of an update with it. */
  #gone(table: Table, removed: ComparedRow[]): string[] {
    const keys = removed.map(({ key }) => key)
    if (table === taskConfigsTable) return []
    if (table === jobUpdatesTable) for (const key of keys) this.#removed.add(key)
    return table.parent === undefined ? keys : keys.filter((key) => !this.#removed.has(parentKeyOf(table, key)))
  }

  async *#put(table: Table, rows: ComparedRow[]): AsyncGenerator<StagedEvent[]> {
    const entity = entityOf(table)
    for (let start = 0; start < rows.length; start += ROWS) {
      const { json, count, configs, others } = wholeRows(table, rows.slice(start, start + ROWS))
      for (const config of configs) this.configs.add(config)
      if (count > 0) yield [{ event: 'jsonRows', entity, count, json }]
      yield* this.#read(
        table,
        others.map(({ key }) => key),
      )
    }
    if (table === jobUpdatesTable) for (const { key } of rows) this.#written.add(key)
  }

  /** Rows of the target that are known by their keys only. */
  async *#read(table: Table, keys: readonly string[]): AsyncGenerator<StagedEvent[]> {
    for (let start = 0; start < keys.length; start += ROWS) {
      const rows = await readWhole(this.#target, table, keys.slice(start, start + ROWS))
      for (const row of rows) for (const config of table.configs?.(row) ?? []) this.configs.add(config)
      if (rows.length > 0) yield [{ event: 'rowsPut', v: 1, entity: entityOf(table), rows }]
    }
  }
}

/** Rows of a store as events hold them. */
export async function readWhole(store: Readable, table: Table, keys: readonly string[]): Promise<object[]> {
  const [result] = await store.read([selectByKeys(table, keys, 'whole')])
  return rowsOf(table, result, 'whole').map(({ row }) => row)
}

/** The update that a part of one belongs to. */
export function parentKeyOf(table: Table, key: string): string {
  return table.keyWidth === undefined ? key : (JSON.parse(key) as [string, string])[0]
}

export function entityOf(table: Table): RowEntity {
  return table.entity as RowEntity
}
