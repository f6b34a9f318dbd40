import { BorealError } from '../model/errors.ts'
import type { Submission } from './submission.ts'

export interface QueueLimits {
  /** Submissions and bytes that may wait. */
  maxWaiting: number
  maxWaitingBytes: number
  /** Submissions and bytes of one batch. */
  maxBatch: number
  maxBatchBytes: number
  /** Ms that it should take to decide and write a batch: fewer are taken when transactions are costly. */
  batchTargetMs: number
}

export const QUEUE_LIMITS: QueueLimits = {
  maxWaiting: 10_000,
  maxWaitingBytes: 64 * 1024 * 1024,
  maxBatch: 1_000,
  maxBatchBytes: 2 * 1024 * 1024,
  batchTargetMs: 250,
}

/** Submissions in the order of their arrival. Bounded: what does not fit is refused at once instead of waiting in vain. */
export class Queue {
  readonly #limits: QueueLimits
  readonly #waiting = new Set<Submission>()
  #bytes = 0
  #wake: (() => void) | undefined

  constructor(limits: QueueLimits = QUEUE_LIMITS) {
    this.#limits = limits
  }

  get length(): number {
    return this.#waiting.size
  }

  /** @throws BorealError `overloaded` when the queue is full. */
  push(submission: Submission): void {
    const { maxWaiting, maxWaitingBytes } = this.#limits
    if (this.#waiting.size >= maxWaiting || this.#bytes + submission.bytes > maxWaitingBytes) {
      throw new BorealError('overloaded', 'too many transactions are waiting; try again', { retryAfter: 1 })
    }
    this.#waiting.add(submission)
    this.#bytes += submission.bytes
    this.#wake?.()
  }

  /** Takes one out that nobody waits for any more; false when it is no longer here. */
  remove(submission: Submission): boolean {
    if (!this.#waiting.delete(submission)) return false
    this.#bytes -= submission.bytes
    return true
  }

  /**
   * The next batch: whatever waits, up to the limits of a batch and at least one. Waits for the first.
   * @param most says, when there is one, how many the time allows
   */
  async take(most: () => number): Promise<Submission[]> {
    if (this.#waiting.size === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#wake = undefined
    const batch: Submission[] = []
    const count = Math.min(this.#limits.maxBatch, most())
    let bytes = 0
    for (const submission of this.#waiting) {
      bytes += submission.bytes
      if (batch.length > 0 && (batch.length >= count || bytes > this.#limits.maxBatchBytes)) break
      batch.push(submission)
    }
    for (const submission of batch) this.remove(submission)
    return batch
  }

  /** Empties the queue and ends the wait of `take`. */
  drain(): Submission[] {
    const all = [...this.#waiting]
    for (const submission of all) this.remove(submission)
    this.#wake?.()
    return all
  }
}
