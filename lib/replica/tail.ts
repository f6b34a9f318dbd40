/** A failure so long ago says nothing about now. */
const FORGET_FAILURE_MS = 2_000

/**
 * Knows how far the log has got, for linearizable reads and for refusals.
 *
 * `confirm` resolves to an LSN that includes everything that was committed before the call. One request to the log
 * serves all who came before it was sent; an append of ours that was started after somebody came serves him too,
 * because its success proves that nobody else was ahead.
 */
export class Tail {
  readonly #probe: () => Promise<number>
  readonly #exclusive: boolean
  #known: number
  #waiting: Waiting[] = []
  #probing = false
  /** Those who came before the append now on its way was started. */
  #beforeAppend: Waiting[] | undefined
  /** Monotonic time at which the tail was last known to be the tail. */
  #confirmedAt: number
  readonly #monotonic: () => number
  /** Since when appends have been tried without success. */
  #tryingSince: number | undefined
  #appending = false
  #failedAt = Number.NEGATIVE_INFINITY

  /**
   * @param options.probe asks the log; brings the node forward when there is more, and gives the tail.
   * @param options.exclusive nobody else can write: what we know is the tail.
   */
  constructor(options: { lsn: number; probe: () => Promise<number>; exclusive: boolean; monotonic: () => number }) {
    this.#known = options.lsn
    this.#probe = options.probe
    this.#exclusive = options.exclusive
    this.#monotonic = options.monotonic
    this.#confirmedAt = options.monotonic()
  }

  /** The highest LSN that this node knows to be durable. */
  get known(): number {
    return this.#known
  }

  /** Ms since this node last knew that its tail was the log's. */
  get ageMs(): number {
    return this.#exclusive ? 0 : Math.max(0, Math.round(this.#monotonic() - this.#confirmedAt))
  }

  /** Ms for which appends have been tried, and none came through; 0 when nobody tries. */
  get stuckMs(): number {
    const now = this.#monotonic()
    if (this.#tryingSince === undefined || (!this.#appending && now - this.#failedAt > FORGET_FAILURE_MS)) return 0
    return now - this.#tryingSince
  }

  confirm(): Promise<number> {
    if (this.#exclusive) return Promise.resolve(this.#known)
    const result = new Promise<number>((resolve, reject) => this.#waiting.push({ resolve, reject }))
    void this.#probeAll()
    return result
  }

  /** An append is about to be sent. */
  appendStarted(): void {
    this.#tryingSince = this.stuckMs > 0 ? this.#tryingSince : this.#monotonic()
    this.#appending = true
    this.#beforeAppend = [...(this.#beforeAppend ?? []), ...this.#waiting]
    this.#waiting = []
  }

  /** It ended: durable at `lsn`, or not (`undefined`), and then it proves nothing. */
  appendEnded(lsn: number | undefined): void {
    const waiting = this.#beforeAppend ?? []
    this.#beforeAppend = undefined
    this.#appending = false
    if (lsn === undefined) {
      this.#failedAt = this.#monotonic()
      this.#waiting.unshift(...waiting)
      void this.#probeAll()
      return
    }
    this.#tryingSince = undefined
    this.learn(lsn)
    for (const { resolve } of waiting) resolve(this.#known)
  }

  /** Something showed that the log has got this far. */
  learn(lsn: number): void {
    if (lsn > this.#known) this.#known = lsn
    this.#confirmedAt = this.#monotonic()
  }

  /**
   * Another node knew, so long ago, that the log ended with `lsn`, and everything up to there is here. That is no proof:
   * whoever wants one waits for the log. It only tells how old this node's state can be.
   */
  hear(lsn: number, ageMs: number): void {
    if (lsn < this.#known) return
    this.#known = lsn
    this.#confirmedAt = Math.max(this.#confirmedAt, this.#monotonic() - ageMs)
  }

  async #probeAll(): Promise<void> {
    if (this.#probing) return
    this.#probing = true
    try {
      while (this.#waiting.length > 0) {
        const served = this.#waiting
        this.#waiting = []
        try {
          this.learn(await this.#probe())
          for (const { resolve } of served) resolve(this.#known)
        } catch (error) {
          for (const { reject } of served) reject(error as Error)
        }
      }
    } finally {
      this.#probing = false
    }
  }
}

interface Waiting {
  resolve(lsn: number): void
  reject(error: Error): void
}
