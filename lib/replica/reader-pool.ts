import { BorealError } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'
import { stopping } from '../model/stopping.ts'
import { EngineDied } from '../store/engine-died.ts'
import type { ResultSet } from '../store/result-set.ts'
import type { Statement } from '../store/statement.ts'
import type { Step } from '../store/step.ts'
import { FairQueue } from './fair-queue.ts'
import type { HeldStore } from './held-store.ts'
import type { ImageSource, PlacedImage } from './image-source.ts'
import { JoiningReaders } from './joining-readers.ts'
import { NeverBegun, type ReadAnswer, Reader, type ReaderOptions } from './reader.ts'

export interface ReaderPoolOptions extends Omit<ReaderOptions, 'onEnd' | 'onBack'> {
  /** Where readers are booted from that replace others. */
  images: ImageSource
  /** How many readers to keep. */
  count: number
  runtime: Runtime
  /** Reads that may wait for a reader before new ones are refused. */
  maxWaiting?: number
}

export interface ReadTarget {
  /** The answer must show at least this place. */
  minLsn: number
  /** Monotonic time after which nobody waits for the answer. */
  deadline: number
  /** Who asks: clients take turns when readers are busy. */
  client: string
}

/** Work handed to one reader at once; the rest waits here, where it can still go to another one. */
const MAX_LOAD = 16
const MAX_WAITING = 10_000
/** The part of those that may be one client's: there is always room for another one. */
const CLIENT_SHARE = 0.5

/** How long a step may wait for company, and how many may. Bounds how old a weak read can be. */
const FEED_DELAY_MS = 50
const MAX_UNSENT = 64

/**
 * Keeps a number of readers going, feeds them the steps of the log, and gives each read to one that has got far
 * enough. A reader that ended is replaced (joining-readers.ts).
 */
export class ReaderPool {
  readonly #options: ReaderPoolOptions
  readonly #readers: Reader[] = []
  readonly #joining: JoiningReaders
  readonly #waiting = new FairQueue<Waiting>()
  /** Place of the last step that came in. */
  #lsn = 0
  /** Steps that the readers do not have yet. */
  #unsent: Step[] = []
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: ReaderPoolOptions) {
    this.#options = options
    this.#joining = new JoiningReaders({
      ...options,
      boot: (image) => this.#boot(image),
      lsn: () => this.#lsn,
      onJoined: (reader, kept) => this.#joined(reader, kept),
    })
  }

  /**
   * The readers are to join: they boot when there is an image, read the log by themselves up to `lsn`, take the steps from
   * there on, which are kept for them from now on, and then serve.
   */
  join(lsn: number, image: Promise<PlacedImage>): void {
    this.#lsn = lsn
    for (let index = 0; index < this.#options.count; index++) this.#joining.begin(lsn, image)
  }

  /** Readers that serve. */
  get readers(): readonly Reader[] {
    return this.#readers
  }

  /**
   * Takes a step in. Readers get it with the next read that needs it, or soon: waking a thread costs as much as a small
   * step, so steps that come close together travel together.
   */
  feed(step: Step): void {
    this.#lsn = step.to.lsn
    this.#joining.keep(step)
    this.#unsent.push(step)
    if (this.#waiting.size > 0 || this.#unsent.length >= MAX_UNSENT || step.framed !== undefined) this.#send()
    else this.#timer ??= setTimeout(() => this.#send(), FEED_DELAY_MS)
  }

  #send(): void {
    this.#handOver()
    this.#dispatch()
  }

  #handOver(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#unsent.length === 0) return
    const steps = this.#unsent
    this.#unsent = []
    // A large step keeps a reader away from everybody. Half of them take it first, so that the others answer meanwhile
    // what may be answered from before it.
    const first = this.#readers.slice(0, Math.ceil(this.#readers.length / 2))
    const taken = Promise.all(first.map((reader) => reader.take(steps)))
    for (const reader of this.#readers.slice(first.length)) void reader.take(steps, taken)
  }

  /** Whether some reader takes a large step. */
  get isBehind(): boolean {
    return this.#readers.some(({ away }) => away)
  }

  /** Whether somebody can answer what needs this place of the log; not while those who have it take a large step. */
  canServe(minLsn: number): boolean {
    if (!this.isBehind) return this.#readers.length > 0
    return this.#readers.some(({ away, lsn }) => !away && lsn >= minLsn)
  }

  /** Runs statements on a reader. Waits for one until the deadline. */
  read(statements: Statement[], target: ReadTarget, limitMs: number): Promise<ReadAnswer> {
    return this.#onReader(target, (reader) => reader.read(statements, limitMs))
  }

  /** Holds a reader at one place of the log. The work is begun anew when the reader ends, so it must be repeatable. */
  hold<T>(work: (store: HeldStore) => Promise<T>, target: ReadTarget, limitMs: number): Promise<T> {
    return this.#onReader(target, (reader) => reader.hold(work, limitMs))
  }

  /** Runs a user's statement on a reader, once: it may be what ends the reader. */
  query(
    statement: Statement,
    maxRows: number,
    target: ReadTarget,
    limitMs: number,
  ): Promise<{ lsn: number; result: ResultSet }> {
    return this.#onReader(target, (reader) => reader.query(statement, maxRows, limitMs), { retry: false })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    for (const waiting of this.#waiting) waiting.fail(stopping())
    await Promise.all([...this.#readers.map((reader) => reader.stop()), this.#joining.stop()])
  }

  async #onReader<T>(target: ReadTarget, work: (reader: Reader) => Promise<T>, options = { retry: true }): Promise<T> {
    for (;;) {
      try {
        return await this.#whenFree(target, work)
      } catch (error) {
        const waited = error instanceof NeverBegun
        if (!waited && !(error instanceof EngineDied)) throw error
        const expired = this.#options.runtime.monotonic() >= target.deadline
        // What was behind another one's fault is simply given to the next reader.
        if ((waited || options.retry) && !expired) continue
        if (waited) throw this.#tooLate(target)
        throw new BorealError('deadline_exceeded', 'the read took too long and was ended', { cause: error })
      }
    }
  }

  /** Starts the work on the least loaded reader that is far enough, now or when there is one. */
  #whenFree<T>(target: ReadTarget, work: (reader: Reader) => Promise<T>): Promise<T> {
    const start = (reader: Reader) => work(reader).finally(() => this.#dispatch())
    const free = this.#free(target.minLsn)
    if (free !== undefined && this.#waiting.size === 0) return start(free)
    const { maxWaiting = MAX_WAITING } = this.#options
    const ofClient = this.#waiting.sizeOf(target.client)
    if (this.#waiting.size >= maxWaiting || ofClient >= maxWaiting * CLIENT_SHARE) {
      return Promise.reject(new BorealError('overloaded', 'too many reads are waiting', { retryAfter: 1 }))
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        minLsn: target.minLsn,
        client: target.client,
        serve: (reader) => {
          this.#forget(waiting)
          resolve(start(reader))
        },
        fail: (error) => {
          this.#forget(waiting)
          reject(error)
        },
        timer: setTimeout(
          () => waiting.fail(this.#tooLate(target)),
          Math.max(0, target.deadline - this.#options.runtime.monotonic()),
        ),
      }
      this.#waiting.add(target.client, waiting)
    })
  }

  #forget(waiting: Waiting): void {
    clearTimeout(waiting.timer)
    this.#waiting.delete(waiting.client, waiting)
  }

  #tooLate(target: ReadTarget): BorealError {
    return this.#lsn < target.minLsn
      ? new BorealError('lsn_not_reached', `this node has LSN ${this.#lsn}, not yet ${target.minLsn}`, {
          retryAfter: 1,
        })
      : new BorealError('deadline_exceeded', 'no reader was free in time')
  }

  #free(minLsn: number): Reader | undefined {
    if (minLsn > (this.#readers[0]?.lsn ?? 0)) this.#handOver()
    let best: Reader | undefined
    for (const reader of this.#readers) {
      if (reader.away || reader.lsn < minLsn || reader.load >= MAX_LOAD) continue
      if (best === undefined || reader.load < best.load) best = reader
    }
    return best
  }

  #dispatch(): void {
    // When no reader is free at all there is nothing to look for.
    while (this.#waiting.size > 0 && this.#free(0) !== undefined) {
      const next = this.#waiting.take(({ minLsn }) => this.#free(minLsn) !== undefined)
      if (next === undefined) return
      next.serve(this.#free(next.minLsn)!)
    }
  }

  #boot(image: PlacedImage): Promise<Reader> {
    return Reader.boot(
      { ...this.#options, onEnd: (reader) => this.#replace(reader), onBack: () => this.#dispatch() },
      image,
    )
  }

  #replace(reader: Reader): void {
    const index = this.#readers.indexOf(reader)
    // One that never joined is the business of whoever was starting it.
    if (index < 0) return
    this.#readers.splice(index, 1)
    if (!this.#stopped) this.#joining.replace()
  }

  #joined(reader: Reader, kept: Step[]): void {
    // What the others have not been sent yet is a part of it.
    this.#send()
    void reader.take(kept)
    this.#readers.push(reader)
    this.#dispatch()
  }
}

/** A read that waits for a reader. */
interface Waiting {
  client: string
  minLsn: number
  timer: NodeJS.Timeout
  serve(reader: Reader): void
  fail(error: Error): void
}
