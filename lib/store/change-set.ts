import type { BorealEvent } from '../model/events.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import { applyEvent, type ChangeSink, childrenOf } from './apply-event.ts'
import { type JobChange, jobChangesOf } from './job-changes.ts'
import type { RowMeta, Table } from './table.ts'

/**
 * What a run of transactions does to the store, folded: the last state of every row that they touch, and what follows
 * from the way there (which scopes rows left, which jobs and configs were touched).
 *
 * Invariant: applying a change set is the same as applying its transactions one by one. So nothing here may depend on
 * where a run is cut; what needs the rows as they were before is completed in `change-statements.ts`.
 */
export class ChangeSet implements ChangeSink {
  /** LSN of the last transaction added; 0 when there is none. */
  lsn = 0
  timeMs = 0
  readonly tables = new Map<Table, Map<string, Change>>()
  /** Scope → LSN at which a row last left it, by table. */
  readonly departures = new Map<Table, Map<string, number>>()
  readonly jobs = new Map<string, JobChange>()
  /** Keys of removed rows, by table of their children: what children they had before is gone. */
  readonly orphaned = new Map<Table, Set<string>>()
  /** Configs that lost a reference and may have lost the last one. */
  readonly abandonedConfigs = new Set<string>()
  /** By key hash: a key that was forgotten may be used anew. */
  readonly idempotency = new Map<string, IdempotencyRow>()
  horizon: { timeMs: number; beforeLsn: number } | undefined
  /** The format to which the store was finalized, and the LSN of that. */
  format: { format: number; version: number } | undefined

  /** Adds the events of one transaction of the entry at `meta.version`. */
  apply(events: readonly BorealEvent[], meta: RowMeta): void {
    this.lsn = meta.version
    this.timeMs = meta.timeMs
    for (const event of events) applyEvent(event, meta, this)
  }

  /** Remembers a client's key (its hash, hex). */
  remember(keyHash: string, row: IdempotencyRow): void {
    // One that was forgotten and is used anew goes to the end: the order is that of the times.
    this.idempotency.delete(keyHash)
    this.idempotency.set(keyHash, row)
  }

  put<Row extends object>(table: Table<Row>, row: Row, meta: RowMeta): void {
    this.#change(table, table.key(row), row, meta)
  }

  remove(table: Table, key: string, meta: RowMeta): void {
    this.#change(table, key, undefined, meta)
    for (const child of childrenOf(table)) {
      getOrInsert(this.orphaned, child, () => new Set<string>()).add(key)
      const changes = this.tables.get(child)
      for (const [childKey, { current }] of changes ?? []) {
        if (current !== undefined && child.parent!.key(current) === key) changes!.delete(childKey)
      }
    }
  }

  moveHorizon(timeMs: number, beforeLsn: number): void {
    this.horizon = { timeMs, beforeLsn }
    forgetBefore(this.idempotency, timeMs)
  }

  setFormat(format: number, { version }: RowMeta): void {
    this.format = { format, version }
  }

  /** Keys of every row touched, by table. */
  touched(): [Table, string[]][] {
    return [...this.tables].map(([table, changes]) => [table, [...changes.keys()]])
  }

  #change(table: Table, key: string, row: object | undefined, meta: RowMeta): void {
    const changes = getOrInsert(this.tables, table, () => new Map<string, Change>())
    const change = changes.get(key)
    if (change === undefined) {
      changes.set(key, { first: row, firstLsn: meta.version, current: row, meta })
    } else {
      recordLeaving(this, table, change.current, row, meta.version)
      change.current = row
      change.meta = meta
    }
    if (row !== undefined) jobChangesOf(this.jobs, table, row, meta.version)
  }
}

/** Drops the keys from before a time. They are in the order of their times, so it costs what goes. */
export function forgetBefore(keys: Map<string, IdempotencyRow>, timeMs: number): void {
  for (const [hash, row] of keys) {
    if (row.timeMs >= timeMs) return
    keys.delete(hash)
  }
}

/** One row's way through a change set. `undefined` stands for an absent row. */
export interface Change {
  /** The row after its first change; what it left is known only together with the row before. */
  first: object | undefined
  firstLsn: number
  current: object | undefined
  meta: RowMeta
}

/** Where the transaction of a client's idempotency key is. */
export interface IdempotencyRow {
  lsn: number
  index: number
  timeMs: number
}

/** The parts of a change set that leaving a state adds to. */
export type LeavingSink = Pick<ChangeSet, 'departures' | 'jobs' | 'abandonedConfigs'>

/** Records what a row left behind when it went from one state to the next at an LSN. */
export function recordLeaving(
  sink: LeavingSink,
  table: Table,
  from: object | undefined,
  to: object | undefined,
  lsn: number,
): void {
  if (from === undefined) return
  const kept = to === undefined ? [] : table.scopes(to)
  for (const scope of table.scopes(from)) {
    if (kept.includes(scope)) continue
    const scopes = getOrInsert(sink.departures, table, () => new Map<string, number>())
    scopes.set(scope, Math.max(lsn, scopes.get(scope) ?? 0))
  }
  const configs = to === undefined ? [] : (table.configs?.(to) ?? [])
  for (const config of table.configs?.(from) ?? []) if (!configs.includes(config)) sink.abandonedConfigs.add(config)
  jobChangesOf(sink.jobs, table, from, lsn)
}
