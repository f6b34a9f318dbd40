import { compareText } from '../model/compare-text.ts'
import { BorealError } from '../model/errors.ts'
import { type EventRegistry, upcastEvent } from '../model/event-registry.ts'
import type { BorealEvent, WrittenEvent } from '../model/events.ts'
import { assertWritable, FORMAT_VERSION } from '../model/format.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import type { Scope } from '../model/preconditions.ts'
import { MAX_ROWS } from '../model/transaction.ts'
import { applyEvent, type ChangeSink, childrenOf } from '../store/apply-event.ts'
import type { ChangeSet } from '../store/change-set.ts'
import type { Find } from '../store/find.ts'
import { quotasTable } from '../store/quotas-table.ts'
import { type RowMeta, required, type Table } from '../store/table.ts'
import { type JobState, type Snapshot, scopeText } from './batch-reads.ts'
import { JobTally } from './job-tally.ts'
import type { StoreLimits } from './store-limits.ts'
import { TouchedScopes } from './touched-scopes.ts'

/** What the transactions of a batch share. */
export interface BatchContext {
  snapshot: Snapshot
  /** What the transactions before have changed. */
  changes: ChangeSet
  tally: JobTally
  /** Kept only where somebody asks for scopes. */
  touched?: TouchedScopes | undefined
  /** LSN and time that the changes will have. */
  meta: RowMeta
  limits: StoreLimits
  /** The format of the store. Default: that of this build. */
  format?: number
  /** The events that may be emitted. Default: those of this build. */
  registry?: EventRegistry
}

/**
 * The state on which one transaction is decided: what was read, changed by the transactions before it in the batch,
 * changed by its own events so far. A transaction that fails leaves nothing, because its part is only taken over by
 * `commit`.
 */
export class Overlay implements ChangeSink {
  readonly #context: BatchContext
  readonly #snapshot: Snapshot
  readonly #batch: ChangeSet
  /** LSN and time that the transaction's changes will have. */
  readonly meta: RowMeta
  readonly limits: StoreLimits
  readonly #tally = new JobTally()
  readonly #touched: TouchedScopes | undefined
  /** As they are to be written: of an earlier version while older builds may read the log. */
  readonly events: WrittenEvent[] = []
  /** Rows as this transaction leaves them; `undefined` is a removed one. */
  readonly #own = new Map<Table, Map<string, object | undefined>>()
  /** Keys of rows that this transaction removed, by table of their children. */
  readonly #orphaned = new Map<Table, Set<string>>()
  #rows = 0
  /** Rows this transaction adds to the store, less those it removes. */
  growth = 0

  constructor(context: BatchContext) {
    this.#context = context
    this.#snapshot = context.snapshot
    this.#batch = context.changes
    this.meta = context.meta
    this.limits = context.limits
    this.#touched = context.touched && new TouchedScopes()
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

  /** The rows that a find gives, in the order of their keys. It must have been announced to BatchReads. */
  find<Row extends object>(find: Find<Row>): Row[] {
    const rows: Row[] = []
    for (const key of this.#keysToLookAt(find)) {
      const row = this.row(find.table, key)
      if (row !== undefined && find.matches(row)) rows.push(row)
    }
    return rows.length < 2 ? rows : rows.sort((a, b) => compareText(find.table.key(a), find.table.key(b)))
  }

  /** Of the rows that the store has, and of those that the batch has changed, which the store does not know to match. */
  #keysToLookAt<Row extends object>(find: Find<Row>): Set<string> {
    if (find.keys !== undefined) return new Set(find.keys)
    const found = required(this.#snapshot.keysFound(find), 'what a query finds')
    if (found.length > MAX_ROWS) throw tooManyRows()
    return new Set([...found, ...this.#changedKeys(find.table as unknown as Table)])
  }

  /** LSN of the last change of an entity within a scope. The scope must have been announced to BatchReads. */
  scopeVersion(table: Table, scope: Scope): number {
    const text = scopeText(scope)
    const isTouched = this.#context.touched?.has(table, text) || this.#touched?.has(table, text)
    return isTouched ? this.meta.version : required(this.#snapshot.scopeVersion(table, text), 'a scope')
  }

  /** A job as it stands now, `undefined` when nothing belongs to it. It must have been announced to BatchReads. */
  job(jobId: string): JobState | undefined {
    const read = this.#snapshot.jobs.get(jobId)
    const changes = [this.#context.tally.get(jobId), this.#tally.get(jobId)].filter((change) => change !== undefined)
    if (changes.length === 0) return read
    const job = { jobId, members: 0, activeTasks: 0, ...read, version: this.meta.version }
    for (const change of changes) {
      job.members += change.members
      job.activeTasks += change.activeTasks
    }
    return job.members === 0 ? undefined : job
  }

  /** Ids of the jobs of a role that were read or changed. */
  jobsOfRole(role: string): string[] {
    const jobIds = new Set<string>()
    for (const job of this.#snapshot.jobs.values()) if (job.role === role) jobIds.add(job.jobId)
    for (const tally of [this.#context.tally, this.#tally]) {
      for (const jobId of tally.jobIds()) if (jobId.startsWith(`${role}/`)) jobIds.add(jobId)
    }
    return [...jobIds]
  }

  /** LSN at which anything last left a role. It must have been announced to BatchReads. */
  leftRole(role: string): number {
    const tallies = [this.#context.tally, this.#tally]
    const touched = tallies.some((tally) => [...tally.jobIds()].some((jobId) => jobId.startsWith(`${role}/`)))
    if (touched || this.#changed(quotasTable, role)) return this.meta.version
    return this.#snapshot.roleDepartures.get(role) ?? 0
  }

  /** The format of the store. */
  get format(): number {
    return this.#context.format ?? FORMAT_VERSION
  }

  /** Makes an event part of the transaction; what follows sees its effect, which is the one that replay will give it. */
  emit(event: WrittenEvent): void {
    assertWritable(event, this.format)
    this.events.push(event)
    applyEvent(this.#upcast(event), this.meta, this)
  }

  /**
   * Adds to the last event instead of emitting another one, if it is of the same kind and version. `merge` changes it so that it has
   * the effect of both.
   */
  extend<E extends WrittenEvent>(event: E, merge: (last: E, event: E) => void): boolean {
    const last = this.events.at(-1)
    if (last?.event !== event.event || last.v !== event.v) return false
    merge(last as E, event)
    applyEvent(this.#upcast(event), this.meta, this)
    return true
  }

  /** Takes the transaction over into the batch. */
  commit(): void {
    const events = this.events.map((event) => this.#upcast(event))
    this.#batch.apply(events, this.meta)
    this.#context.tally.add(this.#tally)
    if (this.#touched !== undefined) this.#context.touched!.addAll(this.#touched)
  }

  put<Row extends object>(table: Table<Row>, row: Row): void {
    this.#set(table as Table, table.key(row), row)
  }

  remove(table: Table, key: string): void {
    this.#set(table, key, undefined)
    for (const child of childrenOf(table)) {
      getOrInsert(this.#orphaned, child, () => new Set<string>()).add(key)
      for (const [childKey, row] of this.#own.get(child) ?? []) {
        if (row !== undefined && child.parent!.key(row) === key) this.#own.get(child)!.set(childKey, undefined)
      }
    }
  }

  moveHorizon(): void {
    throw new BorealError('internal', 'the horizon is not moved by operations')
  }

  setFormat(): void {
    // Nothing in the batch goes by it: what follows is decided by the format before.
  }

  #upcast(event: WrittenEvent): BorealEvent {
    return upcastEvent(event, this.#context.registry)
  }

  #set(table: Table, key: string, row: object | undefined): void {
    if (++this.#rows > MAX_ROWS) throw tooManyRows()
    const before = this.#current(table, key)
    if (before === undefined && row !== undefined) this.growth++
    if (before !== undefined && row === undefined) this.growth--
    if (before !== undefined) this.#tally.count(table, before, -1)
    if (row !== undefined) this.#tally.count(table, row, 1)
    this.#touched?.add(table, before, row)
    getOrInsert(this.#own, table, () => new Map<string, object | undefined>()).set(key, row)
  }

  #current(table: Table, key: string): object | undefined {
    const own = this.#own.get(table)
    if (own?.has(key)) return own.get(key)
    const change = this.#batch.tables.get(table)?.get(key)
    const row = change === undefined ? this.#read(table, key)?.row : change.current
    return row !== undefined && this.#isOrphan(table, row, change === undefined) ? undefined : row
  }

  /** Whether the row's parent was removed after it: by this transaction, or by one before it in the batch. */
  #isOrphan(table: Table, row: object, fromStore: boolean): boolean {
    if (table.parent === undefined) return false
    const parent = table.parent.key(row)
    return (
      (this.#orphaned.get(table)?.has(parent) || (fromStore && this.#batch.orphaned.get(table)?.has(parent))) ?? false
    )
  }

  #read(table: Table, key: string): { row: object; version: number } | undefined {
    const rows = this.#snapshot.rows.get(table)
    // Rows of a parent are asked for only where a client may have named one before; the others are new.
    if (!rows?.has(key) && table.parent !== undefined) return undefined
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
}

function tooManyRows(): BorealError {
  return new BorealError('too_large', `a transaction may change at most ${MAX_ROWS} rows; divide it`)
}
