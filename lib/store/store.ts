import type { LogMark } from '../log/chain.ts'
import { markOf } from '../log/chain.ts'
import type { Entry } from '../log/entry.ts'
import { BorealError } from '../model/errors.ts'
import type { Aftermath } from './aftermath.ts'
import type { ChangeSet, IdempotencyRow } from './change-set.ts'
import { beforeStatements, changeStatements, type RowBefore } from './change-statements.ts'
import type { Engine } from './engine.ts'
import { EngineDied } from './engine-died.ts'
import { foldEntries } from './fold.ts'
import { jsonOf, type ResultSet, SqlError } from './protocol.ts'
import { BEGIN, COMMIT, ROLLBACK, type Statement, statement } from './statement.ts'
import { rowsOf, type Table } from './table.ts'

const AS_REPLICA = statement('set local session_replication_role = replica')

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
  /** Set while a commit is put off. */
  #uncommitted: object | undefined

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

  /** Runs statements, outside of any SQL transaction or inside the one that `begin` has opened. */
  async run(statements: Statement[]): Promise<ResultSet[]> {
    if (this.#uncommitted === undefined) return this.engine.run(statements)
    // The commit that was put off goes with whatever is sent next, ahead of it.
    this.#uncommitted = undefined
    try {
      return (await this.engine.run([COMMIT, ...statements])).slice(1)
    } catch (error) {
      if (error instanceof SqlError && error.index === 0) await this.#failCommit(error)
      throw error
    }
  }

  /** Opens a SQL transaction and reads. */
  async begin(reads: Statement[]): Promise<ResultSet[]> {
    return (await this.run([BEGIN, ...reads])).slice(1)
  }

  /**
   * Commits a step whose statements were run in the open SQL transaction. It is durable already, so nobody waits: the
   * commit travels with the next message, or alone when none follows at once. If it fails the engine is given up, and
   * the store must be built anew from the log.
   */
  commit(step: Step): void {
    this.#mark = step.to
    const uncommitted = {}
    this.#uncommitted = uncommitted
    setImmediate(() => {
      if (this.#uncommitted === uncommitted) this.run([]).catch(() => undefined)
    })
  }

  /** Back to where the store stands. Harmless when no SQL transaction is open, or no engine there any more. */
  async rollback(): Promise<void> {
    try {
      await this.run([ROLLBACK])
    } catch (error) {
      if (this.engine.alive) throw error
    }
  }

  /** Applies consecutive entries in one SQL transaction, each table written once. */
  async apply(entries: readonly Entry[]): Promise<Step> {
    const last = entries.at(-1)
    if (last === undefined || entries[0]!.lsn !== this.#mark.lsn + 1) {
      throw new BorealError('internal', `entries do not follow LSN ${this.#mark.lsn}`)
    }
    const changes = foldEntries(entries)
    const step = this.step(changes, markOf(last), await this.rowsBefore(changes))
    await this.take([step])
    return step
  }

  /** The step that a change set makes from here, or from where steps on their way will have brought the store. */
  step(changes: ChangeSet, to: LogMark, before: RowBefore, options: { from?: LogMark; later?: Aftermath } = {}): Step {
    const { from = this.#mark, later } = options
    const mark = { previousLsn: from.lsn, lsn: to.lsn, hash: to.hash, timeMs: to.time }
    return {
      from,
      to,
      statements: changeStatements(changes, before, mark, later),
      remembered: [...changes.idempotency.values()],
      horizon: changes.horizon,
    }
  }

  /**
   * Takes steps, each in one SQL transaction, wholly or not at all; all in one message. They come from the log, so the
   * writer's store has checked what rows refer to: to check it row by row again would be a third of the cost.
   */
  async take(steps: Step[]): Promise<void> {
    try {
      await this.run(steps.flatMap((step) => [BEGIN, AS_REPLICA, ...step.statements, COMMIT]))
      this.#mark = steps.at(-1)!.to
    } catch (error) {
      await this.rollback()
      throw error
    }
  }

  async #failCommit(cause: SqlError): Promise<never> {
    await this.engine.kill('it could not commit')
    throw new EngineDied(`it could not commit: ${cause.message}`)
  }

  /** What must be known of the rows before a change set to make a step of it. */
  async rowsBefore(changes: ChangeSet): Promise<RowBefore> {
    const reads = beforeStatements(changes)
    if (reads.length === 0) return () => undefined
    const results = await this.run(reads.map((read) => read.statement))
    const rows = new Map<Table, Map<string, object>>()
    for (const [index, { table }] of reads.entries()) {
      rows.set(table, new Map(rowsOf(results[index]).map(({ row }) => [table.key(row), row])))
    }
    return (table, key) => rows.get(table)?.get(key)
  }
}
