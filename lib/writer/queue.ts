import { BorealError } from '../model/errors.ts'
import { BatchSize } from './batch-size.ts'
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
  readonly #monotonic: () => number
  readonly #limits: QueueLimits
  readonly #size: BatchSize
  readonly #waiting = new Set<Submission>()
  #bytes = 0
  readonly #wakes = new Set<() => void>()

  /** @param monotonic the clock that deadlines go by */
  constructor(monotonic: () => number, limits: QueueLimits = QUEUE_LIMITS) {
    this.#monotonic = monotonic
    this.#limits = limits
    this.#size = new BatchSize(limits.batchTargetMs)
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
    this.#wake()
  }

  /** Puts some back in front: they keep their turn, whatever the limits. */
  putBack(batch: readonly Submission[]): void {
    const waiting = [...batch.filter(({ state }) => state !== 'done'), ...this.#waiting]
    this.#waiting.clear()
    this.#bytes = 0
    for (const submission of waiting) {
      submission.state = 'queued'
      this.#waiting.add(submission)
      this.#bytes += submission.bytes
    }
    this.#wake()
  }

  /** Takes one out that nobody waits for any more; false when it is no longer here. */
  remove(submission: Submission): boolean {
    if (!this.#waiting.delete(submission)) return false
    this.#bytes -= submission.bytes
    return true
  }

  /** Ms that it should take to decide and write the next batch, if it is taken now. */
  get expectedMs(): number {
    return this.#size.costMs * Math.min(this.#waiting.size, this.#limits.maxBatch, this.#size.limit)
  }

  /** Deciding and writing so many transactions took so long. */
  observe(transactions: number, ms: number): void {
    this.#size.observe(transactions, ms)
  }

  /** Resolves when so many wait, or the signal aborts, or the queue is drained. */
  async whenWaiting(count = 1, signal?: AbortSignal): Promise<void> {
    if (this.#waiting.size >= count || signal?.aborted) return
    await new Promise<void>((resolve) => {
      const wake = () => {
        if (this.#waiting.size < count && this.#waiting.size > 0 && !signal?.aborted) return
        this.#wakes.delete(wake)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#wakes.add(wake)
      signal?.addEventListener('abort', wake)
    })
  }

  /** The next batch. Waits for its first transaction; empty when the queue was drained instead. */
  async take(): Promise<Submission[]> {
    await this.whenWaiting()
    return this.takeNow()
  }

  /** The next batch: whatever waits, up to the limits of a batch, what its time allows, and at least one. */
  takeNow(): Submission[] {
    const now = this.#monotonic()
    const batch: Submission[] = []
    const count = Math.min(this.#limits.maxBatch, this.#size.limit)
    let bytes = 0
    for (const submission of this.#waiting) {
      // Its timer may not have had its turn yet.
      if (submission.deadline <= now) {
        submission.expire()
        continue
      }
      bytes += submission.bytes
      if (batch.length > 0 && (batch.length >= count || bytes > this.#limits.maxBatchBytes)) break
      batch.push(submission)
    }
    for (const submission of batch) this.remove(submission)
    return batch
  }

  /** Empties the queue and ends the wait for it. */
  drain(): Submission[] {
    const all = [...this.#waiting]
    for (const submission of all) this.remove(submission)
    this.#wake()
    return all
  }

  #wake(): void {
    for (const wake of this.#wakes) wake()
  }
}
