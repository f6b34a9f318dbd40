import { hashOfText } from '../model/canonical.ts'
import { hashOfKey, timeOfKey } from '../model/idempotency-key.ts'
import type { TransactionAnswer, WriterRequest } from '../model/transaction.ts'

/** Who asks, and how. */
export interface SubmitOptions {
  /** Whose the request is; also the scope of idempotency keys. */
  principal: string
  /** The client's idempotency key. Without one a retry is a new transaction. */
  key?: string | undefined
  reason?: string | undefined
  /** Ms until nobody waits for the answer any more. */
  timeoutMs?: number | undefined
}

/** A client's key as the writer uses it. */
export interface SubmittedKey {
  text: string
  /** As the store keeps it. */
  hash: string
  /** The time it carries, if any. */
  timeMs: number | undefined
  /** Hash of the request: the same key must come with the same one. */
  request: string
}

/** A transaction as plain data. */
export interface SubmittedTransaction {
  /** The request as canonical JSON text: what its hash is made of, and cheaper to send to a thread than its objects. */
  readonly text: string
  readonly principal: string
  readonly key: SubmittedKey | undefined
  readonly reason: string | undefined
}

/** A transaction on its way through the writer. */
export interface Submission extends SubmittedTransaction {
  /** Rough size, to bound queue and batches. */
  readonly bytes: number
  /** Monotonic time after which nobody waits for the answer. */
  readonly deadline: number
  /** Tells that nobody waits any more. */
  expire(): void
  /**
   * `deciding`: on top of an entry that is on its way, and may still be left out. `appending`: from here on it may be
   * committed.
   */
  state: 'queued' | 'deciding' | 'appending' | 'done'
  resolve(answer: TransactionAnswer): void
  reject(error: Error): void
}

/** What can be worked out before the transaction has its turn. */
export function submissionOf(
  request: WriterRequest,
  options: SubmitOptions,
): SubmittedTransaction & Pick<Submission, 'bytes'> {
  const { principal, key, reason } = options
  const text = JSON.stringify(request)
  const submitted =
    key === undefined
      ? undefined
      : { text: key, hash: hashOfKey(principal, key), timeMs: timeOfKey(key), request: hashOfText(text) }
  return { text, principal, reason, bytes: text.length, key: submitted }
}
