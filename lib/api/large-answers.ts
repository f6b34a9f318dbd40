import { setImmediate } from 'node:timers/promises'
import { type Runtime, systemRuntime } from '../model/runtime.ts'

/** Bodies above this leave one at a time. */
export const LARGE_BODY_BYTES = 64 * 1024

/**
 * So many times as long as an answer took is left to others behind it for each one that still waits; at most so many. A record
 * is what a crowd waits for; a page is its reader's own, and a queue of them should not last.
 */
const OTHERS_SHARE = { record: 24, page: 3 }

/** But not for longer, ms: what took its time may have waited for the processor. */
const MOST_REST_MS = 50

/**
 * The large answers of a server, which leave one at a time: when what two hundred readers wait for is there, their answers
 * would otherwise be written one after another, for tenths of a second in which no transaction goes on. The more of them wait,
 * the more room there is behind each: a few readers do not notice, and a crowd leaves the processor to others.
 */
export class LargeAnswers {
  readonly #runtime: Runtime
  #lastTurn: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(runtime: Runtime = systemRuntime) {
    this.#runtime = runtime
  }

  /** Calls `send` when it is its turn. */
  async send(kind: keyof typeof OTHERS_SHARE, send: () => void): Promise<void> {
    const turn = this.#lastTurn.then(() => setImmediate())
    let ended: () => void = () => undefined
    this.#lastTurn = new Promise((resolve) => (ended = resolve))
    this.#waiting++
    await turn
    const startedAt = this.#runtime.monotonic()
    try {
      send()
    } finally {
      this.#waiting--
      void this.#rest(OTHERS_SHARE[kind], this.#runtime.monotonic() - startedAt).then(ended)
    }
  }

  async #rest(mostShare: number, tookMs: number): Promise<void> {
    const restMs = Math.min(MOST_REST_MS, Math.min(mostShare, this.#waiting) * tookMs)
    if (restMs > 0) await this.#runtime.sleep(restMs)
  }
}
