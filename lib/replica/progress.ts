import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'

/** How far a replay has got. */
export interface ReplayProgress {
  lsn: number
  /** The end of the log when the replay began, or later if it is known to have gone on. */
  targetLsn: number
  /** Events applied so far. */
  events: number
  eventsPerSecond: number
  /** Ms that it will still take at this pace; `undefined` while nothing is known. */
  etaMs: number | undefined
}

export interface ProgressOptions {
  runtime: Runtime
  logger: Logger
  /** Hears what is logged. */
  onProgress?: ((progress: ReplayProgress) => void) | undefined
}

/** Time between two reports, ms. */
const REPORT_MS = 2_000

/** Keeps account of a replay, and reports at its start, about every two seconds, and at its end. */
export class ProgressMeter {
  readonly #options: ProgressOptions
  readonly #startedAt: number
  readonly #from: number
  readonly #target: number
  #lsn: number
  #events = 0
  #reportedAt: number

  constructor(range: { from: number; target: number }, options: ProgressOptions) {
    this.#options = options
    this.#from = range.from
    this.#lsn = range.from
    this.#target = range.target
    this.#startedAt = options.runtime.monotonic()
    this.#reportedAt = this.#startedAt
    this.#report('replaying the log')
  }

  get progress(): ReplayProgress {
    const ms = this.#options.runtime.monotonic() - this.#startedAt
    const done = this.#lsn - this.#from
    const targetLsn = Math.max(this.#target, this.#lsn)
    return {
      lsn: this.#lsn,
      targetLsn,
      events: this.#events,
      eventsPerSecond: ms > 0 ? Math.round((this.#events * 1_000) / ms) : 0,
      etaMs: done === 0 ? undefined : Math.round(((targetLsn - this.#lsn) * ms) / done),
    }
  }

  /** So much was applied. */
  add(lsn: number, events: number): void {
    this.#lsn = lsn
    this.#events += events
    if (this.#options.runtime.monotonic() - this.#reportedAt >= REPORT_MS) this.#report('replaying the log')
  }

  end(): void {
    this.#report('replayed the log')
  }

  #report(message: string): void {
    this.#reportedAt = this.#options.runtime.monotonic()
    const { progress } = this
    this.#options.logger.info(message, { ...progress })
    this.#options.onProgress?.(progress)
  }
}
