import type { LogMark } from '../log/chain.ts'
import { markOf } from '../log/chain.ts'
import type { Entry } from '../log/entry.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import type { ChangeSet } from './change-set.ts'
import { beforeStatements, type RowBefore } from './change-statements.ts'
import type { Engine } from './engine.ts'
import { EngineDied } from './engine-died.ts'
import { foldEntries } from './fold.ts'
import { type Procedure, runningAhead } from './procedure.ts'
import { jsonOf, type ResultSet } from './protocol.ts'
import { BEGIN, COMMIT, ROLLBACK, type Statement, statement } from './statement.ts'
import { type Step, stepOf } from './step.ts'
import { rowsOf, type Table } from './table.ts'

const AS_REPLICA = statement('set local session_replication_role = replica')

function asReplica(steps: Step[]): Statement[] {
  return [BEGIN, AS_REPLICA, ...steps.flatMap(({ statements }) => statements), COMMIT]
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
  /** Steps whose commit is put off. */
  #uncommitted: Step[] = []

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
    try {
      return await runningAhead(this.engine, this.#ahead()).run(statements)
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** How many steps wait for their commit. */
  get uncommitted(): number {
    return this.#uncommitted.length
  }

  /** Runs a procedure, outside of any SQL transaction; it may open one and leave it open. */
  async call<Input, Output>(procedure: Procedure<Input, Output>, input: Input): Promise<Output> {
    try {
      return await this.engine.call(procedure, input, this.#ahead())
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** Runs a procedure inside the SQL transaction that is open. */
  async callOnTop<Input, Output>(procedure: Procedure<Input, Output>, input: Input): Promise<Output> {
    try {
      return await this.engine.call(procedure, input)
    } catch (error) {
      return this.#failed(error)
    }
  }

  /**
   * Commits a step whose statements were run in the open SQL transaction. It is durable already and nobody else looks
   * into this engine, so nobody waits: the commit travels with the next message, whenever that is. If it fails the
   * engine is given up, and the store must be built anew from the log.
   */
  commit(step: Step): void {
    this.#mark = step.to
    this.#uncommitted.push(step)
  }

  /**
   * Back to where the store stands. Steps that waited for their commit go down with what was on top of them and are
   * taken again. Harmless when no SQL transaction is open, or no engine there any more.
   */
  async rollback(): Promise<void> {
    const steps = this.#uncommitted
    this.#uncommitted = []
    try {
      await this.engine.run([ROLLBACK, ...(steps.length > 0 ? asReplica(steps) : [])])
    } catch (error) {
      if (steps.length > 0) await this.engine.kill(`it could not go back: ${messageOf(error)}`)
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
    const step = stepOf(this.#mark, changes, markOf(last), await this.rowsBefore(changes))
    await this.take([step])
    return step
  }

  /**
   * Takes steps in one SQL transaction, wholly or not at all. They come from the log, so the
   * writer's store has checked what rows refer to: to check it row by row again would be a third of the cost.
   */
  async take(steps: Step[]): Promise<void> {
    try {
      await this.run(asReplica(steps))
      this.#mark = steps.at(-1)!.to
    } catch (error) {
      await this.rollback()
      throw error
    }
  }

  /** The commit that was put off: it goes ahead of whatever is sent next. */
  #ahead(): Statement[] {
    if (this.#uncommitted.length === 0) return []
    this.#uncommitted = []
    return [COMMIT]
  }

  async #failed(error: unknown): Promise<never> {
    if (error instanceof EngineDied && this.engine.alive) await this.engine.kill(error.message)
    throw error
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
