import type { LogMark } from '../log/chain.ts'
import { markOf } from '../log/chain.ts'
import type { Entry } from '../log/entry.ts'
import { BorealError } from '../model/errors.ts'
import type { ChangeSet, IdempotencyRow } from './change-set.ts'
import { beforeStatements, changeStatements, type RowBefore } from './change-statements.ts'
import type { Engine } from './engine.ts'
import { foldEntries } from './fold.ts'
import { jsonOf } from './protocol.ts'
import { BEGIN, COMMIT, ROLLBACK, type Statement, statement } from './statement.ts'
import { rowsOf, type Table } from './table.ts'

/** A step of a store from one place of the log to a later one, as SQL. Any store that stands at `from` can take it. */
export interface Step {
  from: LogMark
  to: LogMark
  statements: Statement[]
  /** Idempotency keys that it remembers. */
  remembered: IdempotencyRow[]
  /** Where it moves the horizon to. */
  horizon: { timeMs: number } | undefined
}

/**
 * A store: an engine with the schema, and the place of the log it stands at.
 *
 * Invariant: the rows and the mark change in one SQL transaction, so they always agree. There is one connection, so a
 * store belongs to one owner at a time (Follower.exclusive for the writer's, a thread of its own for a reader's).
 */
export class Store {
  readonly engine: Engine
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

  /** Applies consecutive entries in one SQL transaction, each table written once. */
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
    return {
      from: this.#mark,
      to,
      statements: changeStatements(changes, before, mark),
      remembered: [...changes.idempotency.values()],
      horizon: changes.horizon,
    }
  }

  /** Takes a step in one SQL transaction and one message: wholly or not at all. */
  async take(step: Step): Promise<void> {
    try {
      await this.engine.run([BEGIN, ...step.statements, COMMIT])
      this.#mark = step.to
    } catch (error) {
      await this.rollback()
      throw error
    }
  }

  /** Commits a step whose statements were run in the open SQL transaction. */
  async commit(step: Step): Promise<void> {
    await this.engine.run([COMMIT])
    this.#mark = step.to
  }

  /** Back to where the store stands. Harmless when no SQL transaction is open, or no engine there any more. */
  async rollback(): Promise<void> {
    try {
      await this.engine.run([ROLLBACK])
    } catch (error) {
      if (this.engine.alive) throw error
    }
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
