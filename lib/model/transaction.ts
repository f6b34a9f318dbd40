import * as z from 'zod'
import { type AnyOperation, operation, operationResult } from './operations.ts'
import { precondition } from './preconditions.ts'
import { lsn } from './scalars.ts'

/** The atomic unit that a client submits, and its answer. */

export const MAX_OPERATIONS = 5_000
export const MAX_PRECONDITIONS = 500
/** Rows that one transaction may write. */
export const MAX_ROWS = 20_000

export const transactionRequest = z.strictObject({
  preconditions: z.array(precondition).max(MAX_PRECONDITIONS).optional(),
  operations: z.array(operation).max(MAX_OPERATIONS),
})

export type TransactionRequest = z.infer<typeof transactionRequest>

/** What the writer carries out: a client's request, or one of the node's own. */
export type WriterRequest = Omit<TransactionRequest, 'operations'> & { operations: AnyOperation[] }

export const transactionAnswer = z.strictObject({
  /** Where the transaction is in the log; for one that changed nothing, the LSN at which it was decided. */
  lsn,
  transactionId: z.string(),
  results: z.array(operationResult),
})

export type TransactionAnswer = z.infer<typeof transactionAnswer>
