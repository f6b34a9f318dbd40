import type { LogMark } from '../log/chain.ts'
import { markOf } from '../log/chain.ts'
import type { Entry } from '../log/entry.ts'
import { errorOf } from '../model/error-data.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import { type Aftermath, aheadOfRows, behindRows, mergeAftermath, newAftermath } from './aftermath.ts'
import { applyFrames } from './apply-frames.ts'
import { createIndexes, dropIndexes } from './bulk-load.ts'
import type { ChangeSet } from './change-set.ts'
import { moveMark, type RowBefore } from './change-statements.ts'
import type { Engine } from './engine.ts'
import { EngineDied } from './engine-died.ts'
import { foldEntries } from './fold.ts'
import { type Procedure, runningAhead } from './procedure.ts'
import { checkReferences } from './references.ts'
import { jsonOf, type ResultSet } from './result-set.ts'
import { BRING_BACK, SET_ASIDE } from './rewrite.ts'
import { readRowsBefore } from './rows-before.ts'
import { AS_REPLICA, BEGIN, COMMIT, ROLLBACK, type Statement, statement } from './statement.ts'
import { markMoved, type Step, stepOf } from './step.ts'

/** Tasks of a large entry, and their share of all, from which on they are written anew. */
const MUCH_ROWS = 4_000
const MUCH_SHARE = 0.5

/** Frames that are handed to the engine's thread at a time: what follows from them comes back once for all. */
const FRAMES = 8

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
   * Takes steps in one SQL transaction, wholly or not at all; a large one in one of its own. They come from the log, so the
   * writer's store has checked what rows refer to: to check it row by row again would be a third of the cost.
   */
  async take(steps: Step[]): Promise<void> {
    for (const together of runsOfSteps(steps)) {
      const [first] = together
      if (first!.framed !== undefined) await this.takeFramed(first!)
      else await this.#atomically(() => this.run(asReplica(together)), together.at(-1)!)
    }
  }

  /**
   * Takes the step of a large entry, frame by frame, in one SQL transaction. Nobody may read the store meanwhile. Gives what
   * follows from it if that is to be put off.
   */
  async takeFramed(step: Step, putOff = false): Promise<Aftermath | undefined> {
    let later: Aftermath | undefined
    await this.#atomically(async () => {
      await this.run([BEGIN, AS_REPLICA])
      const isMuch = await this.#isMuch(step)
      if (putOff) later = await this.#writeRows(step, isMuch)
      else await this.#writeFramed(step, isMuch)
      await this.run([COMMIT])
    }, step)
    return later
  }

  /**
   * Writes the rows of a large entry into the SQL transaction that is open.
   *
   * @throws BorealError `constraint_violation` when the database does not take them
   */
  async writeFramed(step: Step): Promise<void> {
    const isMuch = await this.#isMuch(step)
    if (isMuch) await this.run([AS_REPLICA])
    await this.#writeFramed(step, isMuch, !isMuch)
    if (isMuch) await checkReferences(this)
  }

  /** `isMuch`: the tasks are written anew, without their indexes; to build these at the end costs less. */
  async #writeFramed(step: Step, isMuch: boolean, checked = false): Promise<void> {
    const indexes = isMuch ? await dropIndexes(this, 'task') : []
    const later = await this.#writeRows(step, isMuch, checked)
    await this.run([...createIndexes(indexes), ...aheadOfRows(later), ...behindRows(later)])
  }

  /** Whether a large entry rewrites so much that it pays to do what follows once for all rows. */
  async #isMuch({ framed }: Step): Promise<boolean> {
    if (framed!.tasks < MUCH_ROWS) return false
    const [count] = await this.run([statement('select count(*) from task')])
    return framed!.tasks >= MUCH_SHARE * (jsonOf<number>(count) ?? 0)
  }

  /** Gives what follows from the rows, which is written once for all frames. */
  async #writeRows(step: Step, anew: boolean, checked = false): Promise<Aftermath> {
    const { count, text, key } = step.framed!
    const meta = { version: step.to.lsn, timeMs: step.to.time }
    const later = { ...newAftermath(), keys: new Map(key === undefined ? [] : [key]) }
    if (anew) await this.run(SET_ASIDE)
    const some = (first: number) =>
      quietly(Promise.all(Array.from({ length: Math.min(FRAMES, count - first) }, (_, index) => text(first + index))))
    let next = some(0)
    for (let first = 0; first < count; first += FRAMES) {
      const frames = await next
      // The next ones are on their way while these are written.
      if (first + FRAMES < count) next = some(first + FRAMES)
      const outcome = await this.callOnTop(applyFrames, { frames, first, meta, checked, anew })
      if ('refusal' in outcome) throw errorOf(outcome.refusal)
      mergeAftermath(later, outcome.later)
    }
    await this.run([...(anew ? BRING_BACK : []), moveMark(markMoved(step.from, step.to))])
    return later
  }

  async #atomically(work: () => Promise<unknown>, last: Step): Promise<void> {
    try {
      await work()
      this.#mark = last.to
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
  rowsBefore(changes: ChangeSet): Promise<RowBefore> {
    return readRowsBefore(this, changes)
  }
}

/** Steps that are taken together: a large one is alone. */
function runsOfSteps(steps: Step[]): Step[][] {
  const runs: Step[][] = []
  for (const step of steps) {
    const last = runs.at(-1)
    if (last === undefined || step.framed !== undefined || last[0]!.framed !== undefined) runs.push([step])
    else last.push(step)
  }
  return runs
}

/** Its failure is told when it is waited for. */
export function quietly<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined)
  return work
}
