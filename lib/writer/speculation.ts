import type { OperationResult } from '../model/operations.ts'
import type { TransactionRequest } from '../model/transaction.ts'
import { ChangeSet } from '../store/change-set.ts'
import { changeStatements } from '../store/change-statements.ts'
import type { ResultSet } from '../store/result-set.ts'
import type { Statement } from '../store/statement.ts'
import { BatchReads } from './batch-reads.ts'
import { announcePrecondition, checkPreconditions } from './check-preconditions.ts'
import { JobTally } from './job-tally.ts'
import { announceOperation, decideOperation } from './operations/handlers.ts'
import { Overlay } from './overlay.ts'
import type { StoreLimits } from './store-limits.ts'

/** What a transaction would do if it were the next one: decided by the same code as a real one, never logged. */
export interface Speculation {
  /** One per operation. */
  results: OperationResult[]
  /** SQL of its rows, for a store that stands where it was decided. Empty when it changes nothing. */
  changes: Statement[]
}

export interface SpeculationPlan {
  /** What has to be read before it can be decided. */
  statements: Statement[]
  /**
   * Decides on what was read at `lsn`.
   *
   * @throws BorealError as the transaction would be refused: `precondition_failed`, or what an operation says
   */
  decide(read: ResultSet[], lsn: number, timeMs: number): Speculation
}

export function planSpeculation(
  { preconditions = [], operations }: TransactionRequest,
  { limits, format }: { limits: StoreLimits; format: number },
): SpeculationPlan {
  const reads = new BatchReads()
  for (const precondition of preconditions) announcePrecondition(precondition, reads)
  for (const operation of operations) announceOperation(operation, reads)
  const { statements, load } = reads.plan()
  return {
    statements,
    decide(read, lsn, timeMs) {
      const snapshot = load(read)
      const meta = { version: lsn + 1, timeMs }
      const changes = new ChangeSet()
      const state = new Overlay({ snapshot, changes, tally: new JobTally(), meta, limits, format })
      checkPreconditions(preconditions, state)
      const results = operations.map((operation) => decideOperation(operation, state))
      if (state.events.length === 0) return { results, changes: [] }
      state.commit()
      // The mark is moved like a real one, so that this fails on any store that stands elsewhere.
      const mark = { previousLsn: lsn, lsn: lsn + 1, hash: 'speculation', timeMs }
      return { results, changes: changeStatements(changes, snapshot.before, mark) }
    },
  }
}
