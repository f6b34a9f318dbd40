import { compareText } from '../model/compare-text.ts'
import { BorealError } from '../model/errors.ts'
import type { BorealEvent, TaskRow } from '../model/events.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import type { Scope } from '../model/preconditions.ts'
import { MAX_ROWS } from '../model/transaction.ts'
import { applyEvent, type ChangeSink } from '../store/apply-event.ts'
import type { ChangeSet } from '../store/change-set.ts'
import { type RowMeta, required, type Table } from '../store/table.ts'
import { type TaskFilter, taskMatches } from '../store/task-filter.ts'
import { tasksTable } from '../store/tasks-table.ts'
import { type Snapshot, scopeText } from './batch-reads.ts'

/**
 * The state on which one transaction is decided: what was read, changed by the transactions before it in the batch,
 * changed by its own events so far. A transaction that fails leaves nothing, because its part is only taken over by
 * `commit`.
 */
export class Overlay implements ChangeSink {
  readonly #snapshot: Snapshot
  readonly #batch: ChangeSet
  /** LSN and time that the transaction's changes will have. */
  readonly meta: RowMeta
  readonly events: BorealEvent[] = []
  /** Rows as this transaction leaves them; `undefined` is a removed one. */
  readonly #own = new Map<Table, Map<string, object | undefined>>()
  #rows = 0
  /** Rows this transaction adds to the store, less those it removes. */
  growth = 0

  constructor(snapshot: Snapshot, batch: ChangeSet, meta: RowMeta) {
    this.#snapshot = snapshot
    this.#batch = batch
    this.meta = meta
  }

  /** The row under a key, as the transaction sees it. The key must have been announced to BatchReads. */
  row<Row extends object>(table: Table<Row>, key: string): Row | undefined {
    return this.#current(table as Table, key) as Row | undefined
  }

  /** Version of the row under a key; `undefined` when there is none. */
  version(table: Table, key: string): number | undefined {
    if (this.#current(table, key) === undefined) return undefined
    return this.#changed(table, key) ? this.meta.version : this.#read(table, key)!.version
  }

  /** Tasks that the filter finds, in the order of their ids. The filter must have been announced to BatchReads. */
  tasks(filter: TaskFilter): TaskRow[] {
    const found = required(this.#snapshot.matches.get(JSON.stringify(filter)), 'a task query')
    if (found.length > MAX_ROWS) throw tooManyRows()
    const keys = new Set(found)
    for (const key of this.#changedKeys(tasksTable)) keys.add(key)
    const rows: TaskRow[] = []
    for (const key of keys) {
      const row = this.row(tasksTable, key)
      if (row !== undefined && taskMatches(filter, row)) rows.push(row)
    }
    return rows.sort((a, b) => compareText(a.taskId, b.taskId))
  }

  /** LSN of the last change of an entity within a scope. The scope must have been announced to BatchReads. */
  scopeVersion(table: Table, scope: Scope): number {
    const text = scopeText(scope)
    const read = required(this.#snapshot.scopes.get(`${table.entity} ${text}`), 'a scope')
    for (const key of this.#changedKeys(table)) {
      if (text === '') return this.meta.version
      for (const row of [this.#read(table, key)?.row, ...this.#states(table, key)]) {
        if (row !== undefined && table.scopes(row).includes(text)) return this.meta.version
      }
    }
    return read
  }

  /** Keys of a table's rows that the batch has changed so far, with the rows before and now. */
  *changes(table: Table): Generator<{ before: object | undefined; now: object | undefined }> {
    for (const key of this.#changedKeys(table)) {
      yield { before: this.#read(table, key)?.row, now: this.#current(table, key) }
    }
  }

  /** Makes an event part of the transaction; what follows sees its effect. */
  emit(event: BorealEvent): void {
    this.events.push(event)
    applyEvent(event, this.meta, this)
  }

  /** Takes the transaction over into the batch. */
  commit(): void {
    this.#batch.apply(this.events, this.meta)
  }

  put<Row extends object>(table: Table<Row>, row: Row): void {
    this.#set(table as Table, table.key(row), row)
  }

  remove(table: Table, key: string): void {
    this.#set(table, key, undefined)
  }

  moveHorizon(): void {
    throw new BorealError('internal', 'the horizon is not moved by operations')
  }

  #set(table: Table, key: string, row: object | undefined): void {
    if (++this.#rows > MAX_ROWS) throw tooManyRows()
    const before = this.#current(table, key)
    if (before === undefined && row !== undefined) this.growth++
    if (before !== undefined && row === undefined) this.growth--
    getOrInsert(this.#own, table, () => new Map<string, object | undefined>()).set(key, row)
  }

  #current(table: Table, key: string): object | undefined {
    const own = this.#own.get(table)
    if (own?.has(key)) return own.get(key)
    const change = this.#batch.tables.get(table)?.get(key)
    return change === undefined ? this.#read(table, key)?.row : change.current
  }

  #read(table: Table, key: string): { row: object; version: number } | undefined {
    const rows = this.#snapshot.rows.get(table)
    if (!rows?.has(key)) throw new BorealError('internal', `${table.entity} ${key} was not read before it was needed`)
    return rows.get(key)
  }

  #changed(table: Table, key: string): boolean {
    return (this.#own.get(table)?.has(key) || this.#batch.tables.get(table)?.has(key)) ?? false
  }

  *#changedKeys(table: Table): Generator<string> {
    const batch = this.#batch.tables.get(table)
    if (batch !== undefined) yield* batch.keys()
    for (const key of this.#own.get(table)?.keys() ?? []) if (!batch?.has(key)) yield key
  }

  #states(table: Table, key: string): (object | undefined)[] {
    const change = this.#batch.tables.get(table)?.get(key)
    return [change?.first, change?.current, this.#own.get(table)?.get(key)]
  }
}

function tooManyRows(): BorealError {
  return new BorealError('too_large', `a transaction may change at most ${MAX_ROWS} rows; divide it`)
}
