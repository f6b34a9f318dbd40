import type { WrittenTransaction } from '../log/entry.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import type { OperationResult } from '../model/operations.ts'
import type { WriterRequest } from '../model/transaction.ts'
import { ChangeSet } from '../store/change-set.ts'
import type { RowBefore } from '../store/change-statements.ts'
import type { RowMeta } from '../store/table.ts'
import { BatchReads, type Snapshot } from './batch-reads.ts'
import { announcePrecondition, checkPreconditions } from './check-preconditions.ts'
import { JobTally } from './job-tally.ts'
import { announceOperation, decideOperation } from './operations/handlers.ts'
import { Overlay } from './overlay.ts'
import type { StoreLimits } from './store-limits.ts'
import type { SubmittedTransaction } from './submission.ts'
import { TouchedScopes } from './touched-scopes.ts'

/** A transaction whose turn has come. */
export interface Candidate extends Omit<SubmittedTransaction, 'text'> {
  /** ULID that it will have in the log. */
  id: string
  request: WriterRequest
}

/** What became of one transaction of a batch. */
export type Decision =
  /** Part of the entry, at this index. */
  | { kind: 'commit'; index: number; transaction: WrittenTransaction }
  /** It changed nothing, so there is nothing to log. */
  | { kind: 'noop'; id: string; results: OperationResult[] }
  | { kind: 'refuse'; error: BorealError }
  /** Its key was used before; the answer is in the log. */
  | { kind: 'repeat'; lsn: number; index: number }

export interface Evaluation {
  /** One per transaction, in order. */
  decisions: Decision[]
  transactions: WrittenTransaction[]
  changes: ChangeSet
  tally: JobTally
  touched: TouchedScopes | undefined
  /** Rows as they were before the batch. */
  before: RowBefore
}

export interface EvaluationContext {
  /** LSN and time of the entry to be. */
  meta: RowMeta
  /** Keys that carry a time before this are expired. */
  horizonMs: number
  /** Refuse what adds rows. */
  full: boolean
  limits: StoreLimits
  /** The format of the store: what newer ones may say is refused. */
  format: number
}

/** How far in the future the time of an idempotency key may be. */
const MAX_KEY_AHEAD_MS = 5 * 60 * 1_000

/** Collects what a batch has to read. */
export function announceBatch(batch: readonly Pick<Candidate, 'request' | 'key'>[]): BatchReads {
  const reads = new BatchReads()
  for (const { request, key } of batch) {
    if (key !== undefined) reads.idempotencyKey(key.hash)
    for (const precondition of request.preconditions ?? []) announcePrecondition(precondition, reads)
    for (const operation of request.operations) announceOperation(operation, reads)
  }
  return reads
}

/**
 * Decides a batch in its order: each transaction sees those before it, and one that fails leaves nothing. Pure: what
 * was read goes in, decisions come out; no clock, no request.
 */
export function evaluateBatch(batch: readonly Candidate[], snapshot: Snapshot, context: EvaluationContext): Evaluation {
  const evaluation: Evaluation = {
    decisions: [],
    transactions: [],
    changes: new ChangeSet(),
    tally: new JobTally(),
    touched: snapshot.hasScopes ? new TouchedScopes() : undefined,
    before: snapshot.before,
  }
  evaluation.changes.apply([], context.meta)
  /** Keys used earlier in this batch. */
  const used = new Map<string, number>()
  for (const candidate of batch) {
    const decision = decide(candidate, snapshot, context, evaluation, used)
    evaluation.decisions.push(decision)
    if (decision.kind !== 'commit' || decision.index < evaluation.transactions.length) continue
    evaluation.transactions.push(decision.transaction)
    const { key } = candidate
    if (key === undefined) continue
    used.set(key.hash, decision.index)
    const place = { lsn: context.meta.version, index: decision.index, timeMs: context.meta.timeMs }
    evaluation.changes.remember(key.hash, place)
  }
  return evaluation
}

function decide(
  candidate: Candidate,
  snapshot: Snapshot,
  context: EvaluationContext,
  { transactions, changes, tally, touched }: Evaluation,
  used: Map<string, number>,
): Decision {
  const { id, request, principal, key, reason } = candidate
  try {
    if (key !== undefined) {
      const earlier = used.get(key.hash)
      if (earlier !== undefined) return sameBatch(key.request, transactions[earlier]!, earlier)
      const before = snapshot.idempotency.get(key.hash)
      if (before !== undefined) return { kind: 'repeat', ...before }
      checkKeyTime(key.timeMs, context)
    }
    const { meta, limits, format } = context
    const state = new Overlay({ snapshot, changes, tally, touched, meta, limits, format })
    checkPreconditions(request.preconditions ?? [], state)
    const results = request.operations.map((operation) => decideOperation(operation, state))
    if (state.events.length === 0) return { kind: 'noop', id, results }
    if (context.full && state.growth > 0) throw storeFull()
    state.commit()
    const transaction: WrittenTransaction = {
      id,
      ...(key === undefined ? {} : { key: key.text, principal, request: key.request }),
      actor: principal,
      ...(reason === undefined ? {} : { reason }),
      events: state.events,
      results,
    }
    return { kind: 'commit', index: transactions.length, transaction }
  } catch (error) {
    if (error instanceof BorealError) return { kind: 'refuse', error }
    return { kind: 'refuse', error: new BorealError('internal', messageOf(error), { cause: error }) }
  }
}

/** Two requests with one key met in a batch: the second gets the answer of the first. */
function sameBatch(request: string, transaction: WrittenTransaction, index: number): Decision {
  if (transaction.request !== request) return { kind: 'refuse', error: keyReused() }
  return { kind: 'commit', index, transaction }
}

/**
 * Refuses a key that nothing is known of any more, or that is from the future.
 *
 * @throws BorealError `idempotency_key_expired` or `invalid_field`
 */
export function checkKeyTime(
  timeMs: number | undefined,
  { horizonMs, meta }: { horizonMs: number; meta: { timeMs: number } },
): void {
  if (timeMs === undefined) return
  if (timeMs < horizonMs) {
    throw new BorealError(
      'idempotency_key_expired',
      'the idempotency key is older than what this store remembers, so nobody knows whether it was used; ' +
        'check the state and send the request with a new key if it still applies',
    )
  }
  if (timeMs > meta.timeMs + MAX_KEY_AHEAD_MS) {
    throw new BorealError('invalid_field', 'the time in the idempotency key is over five minutes in the future', {
      errors: [{ path: 'Idempotency-Key', message: 'check the clock of the client' }],
    })
  }
}

export function keyReused(): BorealError {
  return new BorealError('idempotency_key_reused', 'this idempotency key was used with another request')
}

export function storeFull(): BorealError {
  return new BorealError(
    'store_full',
    'the store has reached its memory limit: removals and changes in place go on, additions do not. ' +
      'Remove terminal tasks, or give the node more memory and raise its limit.',
  )
}
