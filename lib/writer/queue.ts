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
  /**
   * No Set: its table is made anew as it grows and shrinks, each points to the next, and one that has become old keeps all
   * that came behind it, with who was in them, until old garbage is collected: half of what the main thread had of that.
   */
  #waiting: Submission[] = []
  #bytes = 0
  readonly #wakes = new Set<() => void>()

  /** @param monotonic the clock that deadlines go by */
  constructor(monotonic: () => number, limits: QueueLimits = QUEUE_LIMITS) {
    this.#monotonic = monotonic
    this.#limits = limits
    this.#size = new BatchSize(limits.batchTargetMs)
  }

  get length(): number {
    return this.#waiting.length
  }

  /** @throws BorealError `overloaded` when the queue is full. */
  push(submission: Submission): void {
    const { maxWaiting, maxWaitingBytes } = this.#limits
    if (this.#waiting.length >= maxWaiting || this.#bytes + submission.bytes > maxWaitingBytes) {
      throw new BorealError('overloaded', 'too many transactions are waiting; try again', { retryAfter: 1 })
    }
    this.#waiting.push(submission)
    this.#bytes += submission.bytes
    this.#wake()
  }

  /** Puts some back in front: they keep their turn, whatever the limits. */
  putBack(batch: readonly Submission[]): void {
    const back = batch.filter(({ state }) => state !== 'done')
    for (const submission of back) {
      submission.state = 'queued'
      this.#bytes += submission.bytes
    }
    this.#waiting = [...back, ...this.#waiting]
    this.#wake()
  }

  /** Takes one out that nobody waits for any more; false when it is no longer here. */
  remove(submission: Submission): boolean {
    const index = this.#waiting.indexOf(submission)
    if (index < 0) return false
    this.#waiting.splice(index, 1)
    this.#bytes -= submission.bytes
    return true
  }

  /** Ms that it should take to decide and write the next batch, if it is taken now. */
  get expectedMs(): number {
    return this.#size.costMs * Math.min(this.#waiting.length, this.#limits.maxBatch, this.#size.limit)
  }

  /** Deciding and writing so many transactions took so long. */
  observe(transactions: number, ms: number): void {
    this.#size.observe(transactions, ms)
  }

  /** Resolves when so many wait, or the signal aborts, or the queue is drained. */
  async whenWaiting(count = 1, signal?: AbortSignal): Promise<void> {
    if (this.#waiting.length >= count || signal?.aborted) return
    await new Promise<void>((resolve) => {
      const wake = () => {
        if (this.#waiting.length < count && this.#waiting.length > 0 && !signal?.aborted) return
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
    // Their timers may not have had their turn yet.
    for (const submission of this.#waiting.filter(({ deadline }) => deadline <= now)) submission.expire()
    const most = Math.min(this.#limits.maxBatch, this.#size.limit, this.#waiting.length)
    let count = 0
    let bytes = 0
    while (count < most) {
      const more = bytes + this.#waiting[count]!.bytes
      if (count > 0 && more > this.#limits.maxBatchBytes) break
      bytes = more
      count++
    }
    this.#bytes -= bytes
    return this.#waiting.splice(0, count)
  }

  /** Empties the queue and ends the wait for it. */
  drain(): Submission[] {
    const all = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    this.#wake()
    return all
  }

  #wake(): void {
    for (const wake of this.#wakes) wake()
  }
}
