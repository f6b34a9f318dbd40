import type { Runtime } from '../model/runtime.ts'

/** Ms that a writer goes on without a pause when it has met another one lately, and when it has not. */
const TURN_MS = 100
const LONE_TURN_MS = 1_000
/** Ms for which another writer that was met is expected to be there still. */
const LATELY_MS = 10_000

/** What somebody else needs to learn of our last entry, to decide on top of it and to append: in rounds of ours. */
const ROUNDS_LEFT_OUT = 3
const SHORTEST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 200

/**
 * Leaves the log to others now and then. Whoever has won a slot has decided what comes next already, and is always ahead
 * of those who first have to take in what won: a writer whose clients leave no gap would keep all others from the log for
 * as long as they do. So it leaves a gap itself, and what comes meanwhile is in its next batch. Who gets in there does the same.
 */
export class Courtesy {
  readonly #runtime: Runtime
  #since: number
  #rounds = 0
  #lostAt = Number.NEGATIVE_INFINITY

  constructor(runtime: Runtime) {
    this.#runtime = runtime
    this.#since = runtime.monotonic()
  }

  /** An entry of ours is in the log. */
  won(): void {
    this.#rounds++
  }

  /** An entry of another writer was ahead of ours. */
  lost(): void {
    this.#lostAt = this.#runtime.monotonic()
    this.#begin()
  }

  /** There was nothing to append for some time. */
  idle(ms: number): void {
    if (ms >= this.#pauseMs()) this.#begin()
  }

  /** Whether it is time for a pause. */
  get due(): boolean {
    const now = this.#runtime.monotonic()
    return now - this.#since >= (now - this.#lostAt < LATELY_MS ? TURN_MS : LONE_TURN_MS)
  }

  /** Ends at once when the signal aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    await this.#runtime.sleep(this.#pauseMs(), signal)
    this.#begin()
  }

  #begin(): void {
    this.#since = this.#runtime.monotonic()
    this.#rounds = 0
  }

  #pauseMs(): number {
    const roundMs = (this.#runtime.monotonic() - this.#since) / Math.max(1, this.#rounds)
    return Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, ROUNDS_LEFT_OUT * roundMs))
  }
}
