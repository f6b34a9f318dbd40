import type { LogMark } from '../log/chain.ts'
import { markOf } from '../log/chain.ts'
import type { Entry } from '../log/entry.ts'
import { BorealError } from '../model/errors.ts'
import type { ChangeSet } from './change-set.ts'
import { beforeStatements, changeStatements, movedOn, type RowBefore } from './change-statements.ts'
import type { Engine } from './engine.ts'
import { foldEntries } from './fold.ts'
import { Mutex } from './mutex.ts'
import { jsonOf, type ResultSet } from './protocol.ts'
import { BEGIN, COMMIT, ROLLBACK, type Statement, statement } from './statement.ts'
import { rowsOf, type Table } from './table.ts'

/** A step of a store from one place of the log to a later one, as SQL. Any store that stands at `from` can take it. */
export interface Step {
  from: LogMark
  to: LogMark
  statements: Statement[]
}

/**
 * A store: an engine with the schema, and the place of the log it stands at.
 *
 * Invariants: the rows and the mark change in one SQL transaction, so they always agree. There is one connection, so
 * whoever works in several messages (a SQL transaction, above all) does it inside `exclusive`.
 */
export class Store {
  readonly engine: Engine
  readonly #mutex = new Mutex()
  #mark: LogMark

  private constructor(engine: Engine, mark: LogMark) {
    this.engine = engine
    this.#mark = mark
  }

  /** Takes over a booted engine. `genesis` is where an empty store stands. */
  static async open(engine: Engine, genesis: LogMark): Promise<Store> {
    const [result] = await engine.run([
      statement(`select json_build_object('lsn', lsn, 'hash', hash, 'time', time_ms) from boreal.applied`),
    ])
    const mark = jsonOf<LogMark>(result)!
    return new Store(engine, mark.hash === '' ? genesis : mark)
  }

  /** Where the store stands. */
  get mark(): LogMark {
    return this.#mark
  }

  /** Runs `work` while nobody else uses the store. Not reentrant. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(work)
  }

  /** Reads at one place of the log. */
  read(statements: Statement[]): Promise<{ lsn: number; results: ResultSet[] }> {
    return this.exclusive(async () => ({ lsn: this.#mark.lsn, results: await this.engine.run(statements) }))
  }

  /** Applies consecutive entries in one SQL transaction, each table written once. To be called inside `exclusive`. */
  async apply(entries: readonly Entry[]): Promise<Step> {
    const last = entries.at(-1)
    if (last === undefined || entries[0]!.lsn !== this.#mark.lsn + 1) {
      throw new BorealError('internal', `entries do not follow LSN ${this.#mark.lsn}`)
    }
    const changes = foldEntries(entries)
    const step = this.step(changes, markOf(last), await this.#rowsBefore(changes))
    await this.take(step)
    return step
  }

  /** The step that a change set makes from here. */
  step(changes: ChangeSet, to: LogMark, before: RowBefore): Step {
    const mark = { previousLsn: this.#mark.lsn, lsn: to.lsn, hash: to.hash, timeMs: to.time }
    return { from: this.#mark, to, statements: changeStatements(changes, before, mark) }
  }

  /** Takes a step in one SQL transaction: wholly or not at all. To be called inside `exclusive`. */
  async take(step: Step): Promise<void> {
    try {
      await this.write(step)
      await this.commit(step)
    } catch (error) {
      await this.rollback()
      throw error
    }
  }

  /** Opens a SQL transaction and writes the rows of a step; nothing is visible before `commit`. */
  async write(step: Step, options: { begun?: boolean } = {}): Promise<void> {
    const results = await this.engine.run(options.begun ? step.statements : [BEGIN, ...step.statements])
    if (!movedOn(results)) throw new BorealError('internal', `the store is not at LSN ${step.from.lsn}`)
  }

  /** Makes the written rows of a step visible. */
  async commit(step: Step): Promise<void> {
    await this.engine.run([COMMIT])
    this.#mark = step.to
  }

  /** Back to where the store stands. Also harmless when no SQL transaction is open. */
  async rollback(): Promise<void> {
    if (this.engine.alive) await this.engine.run([ROLLBACK])
  }

  async #rowsBefore(changes: ChangeSet): Promise<RowBefore> {
    const reads = beforeStatements(changes)
    if (reads.length === 0) return () => undefined
    const results = await this.engine.run(reads.map((read) => read.statement))
    const rows = new Map<Table, Map<string, object>>()
    for (const [index, { table }] of reads.entries()) {
      rows.set(table, new Map(rowsOf(results[index]).map(({ row }) => [table.key(row), row])))
    }
    return (table, key) => rows.get(table)?.get(key)
  }
}
