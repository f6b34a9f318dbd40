import { BorealError } from '../model/errors.ts'
import type { Operation, OperationResult } from '../model/operations.ts'
import type { Precondition } from '../model/preconditions.ts'
import type { BorealNode, Consistency } from '../node/node.ts'
import { readSpeculatively } from '../node/speculative-read.ts'
import { MAX_PAGE_BYTES } from '../store/read.ts'
import { problemOf } from './problem.ts'
import { readOptions } from './read-options.ts'
import { parseTarget } from './request-target.ts'
import type { DataRead, ReadRequest, Route } from './route.ts'
import { matchRoute, validated } from './router.ts'

/** Several reads at one place of the log. */
export interface ManyReads {
  /** Paths of data routes, with their parameters. */
  paths: string[]
  /** What must hold at that place. */
  preconditions: Precondition[]
  /** What the reads are to show as if it had been done; it is not. */
  operations: Operation[]
}

export interface ManyAnswers {
  lsn: number
  ageMs: number
  /** One per path; `body` is JSON text. */
  answers: { status: number; body: string }[]
  /** One per operation. */
  results: OperationResult[]
}

/** Parameters that belong to the whole list, not to one of its reads. */
const SHARED = Object.keys(readOptions)

/**
 * Answers paths as their routes would. A bad path does not spoil the others; preconditions and operations are refused
 * as those of a transaction.
 */
export async function readMany(
  node: BorealNode,
  dataRoutes: readonly Route[],
  { paths, preconditions, operations }: ManyReads,
  consistency: Consistency,
  client?: string,
): Promise<ManyAnswers> {
  // Behind operations a version is what the next entry would give, and another one will: nothing of it may be kept.
  const records = operations.length === 0 && consistency.level !== 'asOf' ? node.records : undefined
  const reads = paths.map((path) => planned(path, dataRoutes, { storeId: node.storeId, records }))
  const statements = reads.flatMap((read) => ('statement' in read ? [read.statement] : []))
  const transaction = { preconditions, operations }
  const { lsn, ageMs, results, operationResults } = await readSpeculatively(
    node,
    statements,
    transaction,
    consistency,
    client,
  )
  let next = 0
  const answers = reads
    .map((read) => ('statement' in read ? read.answer(results[next++]!) : read))
    .map(({ status, body }) => ({ status, body: String(body) }))
  if (answers.length > 1 && answers.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0) > MAX_PAGE_BYTES) {
    throw new BorealError('too_large', 'the answers are larger than 5 MB together; read less at once')
  }
  return { lsn, ageMs, answers, results: operationResults }
}

/** What one path reads, or the problem it has. */
function planned(
  path: string,
  routes: readonly Route[],
  context: Pick<ReadRequest, 'storeId' | 'records'>,
): DataRead | { status: number; body: string } {
  try {
    const target = parseTarget(path)
    const match = matchRoute(routes, 'GET', target.path)
    for (const name of Object.keys(target.query)) {
      if (SHARED.includes(name)) throw new BorealError('invalid_field', `${name} is said once, for all reads`)
    }
    return match.route.read!({
      storeId: context.storeId,
      records: context.records,
      ...validated(match.route, match.params, target.query),
    })
  } catch (error) {
    const problem = problemOf(error)
    return { status: problem.status, body: JSON.stringify(problem) }
  }
}
