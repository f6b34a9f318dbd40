import type { Runtime } from '../model/runtime.ts'
import type { ServerClock } from './event-log.ts'

/**
 * Estimates the server's time from the `Date` headers of its answers (Cristian's algorithm, kept as an interval).
 *
 * A header says that server time was within [date, date + 1 s) at some moment between send and receive. Every answer
 * narrows the interval of the difference between the server's clock and our monotonic one. The local wall clock is
 * believed as long as it fits; outside, the nearest time that fits is used. So one machine with a wrong clock cannot
 * put a wrong time into the log.
 */
export class ServerClockEstimate implements ServerClock {
  readonly #runtime: Runtime
  #low = Number.NEGATIVE_INFINITY
  #high = Number.POSITIVE_INFINITY

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** Notes an answer: monotonic times of send and receive, and the header's date, all in ms. */
  observe(sentAt: number, receivedAt: number, dateMs: number): void {
    if (!Number.isFinite(dateMs)) return
    const low = dateMs - receivedAt
    const high = dateMs + 1_000 - sentAt
    // No common difference: one of the clocks was set, or the machine slept. The newest answer is right.
    const contradicts = low > this.#high || high < this.#low
    this.#low = contradicts ? low : Math.max(low, this.#low)
    this.#high = contradicts ? high : Math.min(high, this.#high)
  }

  now(): number {
    const monotonic = this.#runtime.monotonic()
    const local = this.#runtime.now() - monotonic
    return Math.round(monotonic + Math.min(Math.max(local, this.#low), this.#high))
  }

  get skewMs(): number | undefined {
    return this.#low === Number.NEGATIVE_INFINITY ? undefined : Math.round(this.#runtime.now() - this.now())
  }
}
