import type { Operation, OperationResult } from '../model/operations.ts'
import type { Precondition } from '../model/preconditions.ts'
import type { TransactionAnswer, TransactionRequest } from '../model/transaction.ts'
import type { Consistency } from '../node/node.ts'

/** The way to a store: all that sessions need of it, and the same in process and over HTTP. */
export interface StorageTransport {
  /**
   * Several reads at one LSN, as `POST /v1/reads` describes them.
   *
   * @throws BorealError `precondition_failed`, or what an operation is refused with
   */
  read(request: TransportRead): Promise<TransportAnswer>
  /** Commits, once, however often it has to be sent. */
  submit(transaction: TransactionRequest, options: TransportSubmitOptions): Promise<TransactionAnswer>
  close(): Promise<void>
}

export interface TransportRead {
  paths: string[]
  preconditions: Precondition[]
  operations: Operation[]
  consistency: Consistency
}

export interface TransportAnswer {
  lsn: number
  /** One per path. */
  answers: { status: number; body: unknown }[]
  /** One per operation. */
  results: OperationResult[]
}

export interface TransportSubmitOptions {
  /** Idempotency key. */
  key: string
  /** Kept in the log. */
  reason?: string | undefined
}
