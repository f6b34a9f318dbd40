/**
 * What a sender's clock says in terms of ours, from one request and what comes back on it. The two never meet, but what was
 * sent behind the request was sent after it, and nothing arrives before it was sent.
 */
export class SenderClock {
  readonly #earliest: number
  #latest = Number.POSITIVE_INFINITY

  /** @param askedAt when the request was made, by our clock; @param clock what the sender's said later */
  constructor(askedAt: number, clock: number) {
    this.#earliest = askedAt - clock
  }

  /** Something arrived now. */
  heard(clock: number, now: number): void {
    this.#latest = Math.min(this.#latest, now - clock)
  }

  /** When it was sent, at the earliest: for saying how old something is. */
  earliest(clock: number): number {
    return clock + this.#earliest
  }

  /** When it was sent, judging by what has come fastest: what was held up on its way shows as old. */
  likely(clock: number): number {
    return clock + this.#latest
  }
}
