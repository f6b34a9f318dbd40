import { BorealError } from '../model/errors.ts'
import type { OperationResult } from '../model/operations.ts'
import type { TransactionRequest } from '../model/transaction.ts'
import { isConstraintViolation, SqlError } from '../store/protocol.ts'
import type { ResultSet } from '../store/result-set.ts'
import type { Statement } from '../store/statement.ts'
import { planSpeculation } from '../writer/speculation.ts'
import type { BorealNode, Consistency } from './node.ts'

export interface SpeculativeAnswer {
  lsn: number
  ageMs: number
  /** One per statement. */
  results: ResultSet[]
  /** One per operation. */
  operationResults: OperationResult[]
}

/**
 * Reads as they would be if a transaction were the next one, all at one LSN: its preconditions are checked there, its
 * operations are carried out, and everything is rolled back. So nothing is logged, and nobody else sees any of it.
 *
 * @throws BorealError as the transaction would be refused
 */
export async function readSpeculatively(
  node: BorealNode,
  statements: Statement[],
  transaction: TransactionRequest,
  consistency: Consistency,
  client?: string,
): Promise<SpeculativeAnswer> {
  const plan = planSpeculation(transaction, node)
  const decide = (read: ResultSet[], lsn: number) => plan.decide(read, lsn, node.log.now())
  if (transaction.operations.length === 0) {
    // Nothing is written, so everything fits into one message.
    const { lsn, ageMs, results } = await node.read([...plan.statements, ...statements], consistency, client)
    decide(results.slice(0, plan.statements.length), lsn)
    return { lsn, ageMs, results: results.slice(plan.statements.length), operationResults: [] }
  }
  return node.hold(
    async (store) => {
      const { changes, results: operationResults } = decide(await store.read(plan.statements), store.lsn)
      const results = await store.readBehind(changes, statements).catch(refuse)
      return { lsn: store.lsn, results, operationResults }
    },
    consistency,
    client,
  )
}

/** The database refused the rows, as it would refuse those of the transaction. */
function refuse(error: unknown): never {
  if (error instanceof SqlError && isConstraintViolation(error)) {
    throw new BorealError('constraint_violation', error.message, { cause: error })
  }
  throw error
}
