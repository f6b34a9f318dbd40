/** Of so many appends the shortest is what the next one is expected to take. */
const REMEMBERED = 8

/** Deciding may take longer than it did; and a timer comes late by a millisecond. */
const CAUTION = 1.25
const TIMER_MS = 1

/**
 * When to decide the batch behind an entry that is on its way: as late as it can be without the log waiting for it, for
 * whoever comes until then is in it. If it were decided at once, clients that get their answer with one entry would miss
 * the batch behind it, and wait for three appends instead of two.
 *
 * Nobody is sent later for it: the entry on its way has to be settled first in any case. The shortest of the last appends,
 * because to begin too early costs little, and one that took long says nothing about the next.
 */
export class AppendPace {
  readonly #last: number[] = []

  /** An append took so long, ms. */
  observe(ms: number): void {
    this.#last.push(ms)
    if (this.#last.length > REMEMBERED) this.#last.shift()
  }

  /**
   * Ms to wait before a batch is decided that takes `decidingMs`, `sinceMs` after the entry before it was sent; not
   * positive when it is time. At once while nothing is known.
   */
  spareMs(sinceMs: number, decidingMs: number): number {
    if (this.#last.length === 0) return 0
    return Math.min(...this.#last) - sinceMs - decidingMs * CAUTION - TIMER_MS
  }
}
