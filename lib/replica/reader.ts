import type { Log } from '../log/log.ts'
import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { EngineDied } from '../store/engine-died.ts'
import { type HousekeepingLimits, READER_HOUSEKEEPING_LIMITS } from '../store/housekeeping.ts'
import { Mutex } from '../store/mutex.ts'
import type { ResultSet } from '../store/result-set.ts'
import { BEGIN, ROLLBACK, type Statement } from '../store/statement.ts'
import type { Step } from '../store/step.ts'
import type { Store } from '../store/store.ts'
import { ThreadEngine } from '../store/thread-engine.ts'
import type { HeldStore } from './held-store.ts'
import { doSlice, type Housework } from './housework.ts'
import { openStore, type PlacedImage } from './image-source.ts'
import { replayUnread } from './replay.ts'

export interface ReadAnswer {
  /** The place of the log that the answer shows. */
  lsn: number
  results: ResultSet[]
}

export interface ReaderOptions {
  log: Log
  logger: Logger
  /** When maintenance is needed. Default: that of a store on which users' SQL runs. */
  housekeeping?: Partial<HousekeepingLimits> | undefined
  /** Hears when the reader has taken a large step and can answer again. */
  onBack?: () => void
  /** Hears once when the reader has ended. */
  onEnd(reader: Reader): void
}

/** The reader ended while this work was still waiting for its turn. */
export class NeverBegun extends Error {
  constructor(cause: EngineDied) {
    super(cause.message, { cause })
    this.name = 'NeverBegun'
  }
}

/** What the thread works on, in order. */
interface Work {
  /** Time it may take once it is its turn, ms; beyond, the reader is ended. */
  limitMs: number | undefined
  timer?: NodeJS.Timeout
}

/**
 * A replica in a thread of its own: takes the steps of the log and answers reads, in the order in which they come. So
 * the place that an answer shows is known when the read is handed over, and no read sees half a step.
 *
 * A read that takes longer than it may is ended together with the thread, the only way there is; the pool then starts
 * another reader.
 */
export class Reader {
  readonly #engine: ThreadEngine
  readonly #store: Store
  readonly #logger: Logger
  readonly #housekeeping: Partial<HousekeepingLimits>
  readonly #work: Work[] = []
  readonly #holding = new Mutex()
  /** Those that hold the reader or wait to. */
  #holders = 0
  /** Steps that have come while the reader is held, or takes a large one. */
  #kept: Step[] | undefined
  #lsn: number
  #away = false
  readonly #onBack: () => void

  private constructor(
    engine: ThreadEngine,
    store: Store,
    { logger, housekeeping = {}, onBack = () => undefined }: ReaderOptions,
  ) {
    this.#engine = engine
    this.#store = store
    this.#logger = logger
    this.#housekeeping = housekeeping
    this.#onBack = onBack
    this.#lsn = store.mark.lsn
  }

  /** Boots a reader from an image. */
  static async boot(options: ReaderOptions, image: PlacedImage): Promise<Reader> {
    let reader: Reader | undefined
    const engine = await ThreadEngine.boot(image, (reason) => {
      if (reader === undefined) return
      options.logger.warn('reader ended', { reason })
      reader.#stopTimers()
      options.onEnd(reader)
    })
    reader = new Reader(engine, await openStore(engine, image), options)
    return reader
  }

  /** Reads the log by itself up to exactly `lsn`. */
  catchUp(log: Log, lsn: number): Promise<void> {
    return this.prepare((store) => replayUnread(log, store, { upTo: lsn }))
  }

  /** Brings the store to where it is to serve from. To be done before anything is read or taken. */
  async prepare(work: (store: Store) => Promise<void>): Promise<void> {
    await work(this.#store)
    this.#lsn = this.#store.mark.lsn
  }

  /** The place that a read handed over now will show. */
  get lsn(): number {
    return this.#lsn
  }

  get alive(): boolean {
    return this.#engine.alive
  }

  /** Reads and steps handed over and not yet done. */
  get load(): number {
    return this.#work.length + this.#holders
  }

  /** Whether it takes a large step and can answer nothing: what it shows meanwhile is neither the one nor the other. */
  get away(): boolean {
    return this.#away
  }

  /**
   * Hands over steps; they must follow one another and the last one. A large one, and what is behind it, waits for
   * `turn`: readers that take it in turns are not away all at once. Resolves when they are handed over, the large ones
   * taken.
   */
  take(steps: Step[], turn?: Promise<unknown>): Promise<void> {
    if (this.#kept !== undefined) {
      this.#kept.push(...steps)
      return Promise.resolve()
    }
    const large = steps.findIndex(({ framed }) => framed !== undefined)
    this.#handOver(large === -1 ? steps : steps.slice(0, large))
    if (large === -1) return Promise.resolve()
    this.#kept = steps.slice(large + 1)
    return this.#takeLarge(steps[large]!, turn)
  }

  async #takeLarge(step: Step, turn: Promise<unknown> | undefined): Promise<void> {
    await turn
    await this.#holding.run(async () => {
      this.#away = true
      try {
        this.#follows(step)
        await this.#do(undefined, () => this.#store.take([step]))
      } catch (error) {
        this.#cannotFollow(error)
      }
      this.#away = false
      const behind = this.#kept!
      this.#kept = undefined
      void this.take(behind)
    })
    this.#onBack()
  }

  #handOver(steps: Step[]): void {
    for (const step of steps) this.#follows(step)
    if (steps.length === 0) return
    this.#do(undefined, () => this.#store.take(steps)).catch((error: unknown) => this.#cannotFollow(error))
  }

  #follows(step: Step): void {
    if (step.from.lsn !== this.#lsn) throw new Error(`step from ${step.from.lsn} does not follow ${this.#lsn}`)
    this.#lsn = step.to.lsn
  }

  /** A reader that cannot take a step is of no use, and must not serve what it has as if it were newer. */
  #cannotFollow(error: unknown): void {
    if (!this.#engine.alive) return
    this.#logger.error('reader cannot follow the log', { lsn: this.#lsn, error: messageOf(error) })
    void this.#engine.kill('it could not follow the log')
  }

  /** Runs statements at one place of the log. */
  async read(statements: Statement[], limitMs: number): Promise<ReadAnswer> {
    const lsn = this.#lsn
    return { lsn, results: await this.#do(limitMs, () => this.#engine.run(statements)) }
  }

  /**
   * Keeps the reader at its place of the log while `work` uses it. One at a time, and steps that have come meanwhile are
   * taken before the next one, so holding can delay a reader but never keep it behind. Other reads go on beside it.
   */
  async hold<T>(work: (store: HeldStore) => Promise<T>, limitMs: number): Promise<T> {
    this.#holders++
    try {
      return await this.#holding.run(async () => {
        // While it waits for its turn at a large step, steps are kept already.
        const holding = this.#kept === undefined
        this.#kept ??= []
        try {
          return await work({
            lsn: this.#lsn,
            read: async (statements) => (await this.read(statements, limitMs)).results,
            readBehind: (changes, reads) => this.#readBehind(changes, reads, limitMs),
          })
        } finally {
          if (holding) {
            const steps = this.#kept
            this.#kept = undefined
            void this.take(steps)
          }
        }
      })
    } finally {
      this.#holders--
    }
  }

  /** The rollback is handed over in the same turn: whatever fails before it, nothing comes between the two. */
  async #readBehind(changes: Statement[], reads: Statement[], limitMs: number): Promise<ResultSet[]> {
    const run = this.#do(limitMs, () => this.#engine.run([BEGIN, ...changes, ...reads]))
    const ended = this.#do(undefined, () => this.#engine.run([ROLLBACK]))
    const [results] = await Promise.allSettled([run, ended])
    if (results.status === 'rejected') throw results.reason
    return results.value.slice(1 + changes.length)
  }

  /** Runs one statement of a user's, read-only, and gives at most `maxRows` rows. */
  async query(statement: Statement, maxRows: number, limitMs: number): Promise<{ lsn: number; result: ResultSet }> {
    const lsn = this.#lsn
    return { lsn, result: await this.#do(limitMs, () => this.#engine.query(statement, maxRows)) }
  }

  /** A piece of maintenance, between other work; put off while there is any, as long as that is possible. */
  keepHouse(): Promise<Housework> {
    if (this.#away) return Promise.resolve({ kind: 'put off' })
    const store = { run: (statements: Statement[]) => this.#do(undefined, () => this.#store.run(statements)) }
    return doSlice(store, { ...READER_HOUSEKEEPING_LIMITS, ...this.#housekeeping }, () => this.load > 0)
  }

  /** Resolves when everything is done that was handed over; rejects when the reader has ended. */
  async settled(): Promise<void> {
    await this.#do(undefined, () => this.#engine.run([]))
  }

  async memory(): Promise<number> {
    return this.#do(undefined, () => this.#engine.memory())
  }

  async stop(): Promise<void> {
    await this.#engine.kill()
  }

  /** The thread answers in order, so what is first in the list is what it works on: only its time runs. */
  async #do<T>(limitMs: number | undefined, run: () => Promise<T>): Promise<T> {
    const work: Work = { limitMs }
    this.#work.push(work)
    if (this.#work.length === 1) this.#startTimer()
    try {
      return await run()
    } catch (error) {
      throw error instanceof EngineDied && this.#work[0] !== work ? new NeverBegun(error) : error
    } finally {
      clearTimeout(work.timer)
      // The list of a reader that has ended stays as it was: what is first in it has ended the reader.
      if (this.#engine.alive) {
        this.#work.splice(this.#work.indexOf(work), 1)
        this.#startTimer()
      }
    }
  }

  #startTimer(): void {
    const first = this.#work[0]
    if (first?.limitMs === undefined || first.timer !== undefined) return
    first.timer = setTimeout(() => void this.#engine.kill(`a read took longer than ${first.limitMs} ms`), first.limitMs)
  }

  #stopTimers(): void {
    for (const { timer } of this.#work) clearTimeout(timer)
  }
}
