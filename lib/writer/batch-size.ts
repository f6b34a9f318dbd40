/** Share of what is known that stays when a batch is added: the last five or so count. */
const MEMORY = 0.8

/**
 * How many transactions to take into a batch, by what those before have cost to decide and write. A batch holds the
 * writer's store and everybody in it, so its time is bounded, whatever transactions ask for.
 *
 * Sums that fade, not a mean of means: a batch of one is nearly all fixed cost, and says little beside one of hundreds.
 */
export class BatchSize {
  readonly #targetMs: number
  #ms = 0
  #transactions = 0

  /** @param targetMs time that a batch should take at most */
  constructor(targetMs: number) {
    this.#targetMs = targetMs
  }

  /** Ms that a transaction costs; 0 while nothing is known. */
  get costMs(): number {
    return this.#transactions === 0 ? 0 : this.#ms / this.#transactions
  }

  /** Transactions that fit into the target, at least one. */
  get limit(): number {
    const cost = this.costMs
    return cost === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(this.#targetMs / cost))
  }

  /** So many transactions took so long. */
  observe(transactions: number, ms: number): void {
    this.#ms = this.#ms * MEMORY + ms
    this.#transactions = this.#transactions * MEMORY + transactions
  }
}
