/** Server time, and the local clock too: the server's is estimated and stands still while the machine sleeps. */
export interface Moment {
  server: number
  local: number
}

/**
 * When the end of the log was seen last, and where it was. What looks empty to somebody who has not seen the end for long,
 * or who stands before it, may be a slot that was freed.
 */
export class LastLook {
  readonly #now: () => Moment
  readonly #staleAfterMs: number
  #at: Moment = { server: Number.NEGATIVE_INFINITY, local: Number.NEGATIVE_INFINITY }
  #lsn = 0

  constructor(now: () => Moment, staleAfterMs: number) {
    this.#now = now
    this.#staleAfterMs = staleAfterMs
  }

  moment(): Moment {
    return this.#now()
  }

  /** Whether an empty slot behind `lsn` may be a freed one. */
  isStale(lsn: number, { server, local } = this.#now()): boolean {
    const { server: seen, local: seenLocal } = this.#at
    return lsn < this.#lsn || server - seen > this.#staleAfterMs || Math.abs(local - seenLocal) > this.#staleAfterMs
  }

  /** The log ended with `lsn` when it was asked at this moment. */
  saw(lsn: number, at: Moment): void {
    this.#at = at
    this.#lsn = Math.max(this.#lsn, lsn)
  }
}
