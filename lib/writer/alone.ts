import { type LogMark, markOf } from '../log/chain.ts'
import type { WrittenTransaction } from '../log/entry.ts'
import { type EncodedEntry, encodeFramed } from '../log/entry-codec.ts'
import type { FrameStage } from '../log/frame-stage.ts'
import { eventOf } from '../log/frames.ts'
import { bodyKey } from '../log/keys.ts'
import type { Log } from '../log/log.ts'
import type { PendingAppend, Settled } from '../log/pending-append.ts'
import { errorOf } from '../model/error-data.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import type { BorealEvent } from '../model/events.ts'
import { assertWritable } from '../model/format.ts'
import type { Runtime } from '../model/runtime.ts'
import type { TransactionAnswer } from '../model/transaction.ts'
import type { Follower } from '../replica/follower.ts'
import { framedStepOf } from '../replica/framed-step.ts'
import type { Tail } from '../replica/tail.ts'
import { ChangeSet } from '../store/change-set.ts'
import { foldEntry } from '../store/fold.ts'
import { horizonStatement, idempotencyPlace, placeOf } from '../store/idempotency.ts'
import { SqlError } from '../store/protocol.ts'
import { refusalOf } from '../store/refusal.ts'
import { jsonOf, type ResultSet } from '../store/result-set.ts'
import { BEGIN, type Statement } from '../store/statement.ts'
import { type Step, stepOf } from '../store/step.ts'
import type { Store } from '../store/store.ts'
import type { Answers } from './answers.ts'
import { type Duty, notLeader } from './duty.ts'
import { checkKeyTime, keyReused, storeFull } from './evaluate.ts'
import type { SubmittedKey } from './submission.ts'

/** The writer's store at its turn: what is decided on it holds if the append succeeds. */
export interface StoreAtTurn {
  mark: LogMark
  read(statements: Statement[]): Promise<ResultSet[]>
}

/** A transaction that is alone in its entry. */
export interface AloneTransaction {
  principal: string
  /** The key of the client; the same key with another request is refused. */
  key?: SubmittedKey | undefined
  reason: string
  /** Monotonic time after which it is not to happen any more. */
  deadline: number
  /** Says what is to be logged. May be asked again on a later store. */
  decide(store: StoreAtTurn): Promise<AloneDecision>
}

export interface AloneDecision {
  events: BorealEvent[]
  /** Events behind those, that may be too many to be held at once. */
  stage?: FrameStage | undefined
  /** Rows that it adds to the store. */
  growth: number
}

export type AloneOutcome =
  | { kind: 'committed'; answer: TransactionAnswer }
  /** There was nothing to log on the store at this LSN, which was the newest one. */
  | { kind: 'nothing'; lsn: number }
  /** Its key was used before, with the same request. */
  | { kind: 'repeat'; answer: TransactionAnswer }

export interface AloneContext {
  follower: Follower
  log: Log
  tail: Tail
  runtime: Runtime
  answers: Answers
  /** Ms after which an append that has not reached any server is given up. */
  patienceMs: number
  /** Whether additions are refused. */
  full(): boolean
  /** The format of the store: what newer ones may say is refused. */
  format(): number
  duty: Duty
  /** Tells of the append on its way, and of its end. */
  onPending(pending: PendingAppend | undefined): void
}

/** What a timer can wait. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

type Attempt = AloneOutcome | { kind: 'lost' }

/**
 * Appends a transaction that is alone in its entry: reads, decides and writes on the writer's store, appends, commits.
 * To be called while no batch is on its way. Decided again when another node wins the slot.
 *
 * @throws BorealError `not_leader`; `not_finalized`; `deadline_exceeded` when it did not happen in time (it did not happen at all); `constraint_violation`
 *   when the store does not take the rows; `store_full`; what `decide` throws; `log_unavailable`
 */
export async function appendAlone(alone: AloneTransaction, context: AloneContext): Promise<AloneOutcome> {
  const { follower, runtime, tail } = context
  for (;;) {
    if (runtime.monotonic() >= alone.deadline) throw tooLate()
    if (!context.duty.appends()) throw notLeader()
    const attempt = await attemptOnce(alone, context)
    if (!follower.engine.alive) await follower.rebuild()
    if (attempt.kind === 'lost') await follower.catchUp()
    else if (attempt.kind !== 'nothing' || (await tail.confirm()) === attempt.lsn) return attempt
  }
}

async function attemptOnce(alone: AloneTransaction, context: AloneContext): Promise<Attempt> {
  const { follower } = context
  try {
    return await follower.exclusive(async (store) => {
      try {
        return await attempt(alone, store, context)
      } catch (error) {
        if (store.engine.alive) await store.rollback()
        throw error instanceof SqlError ? errorOf(refusalOf(error)) : error
      }
    })
  } catch (error) {
    if (follower.engine.alive) throw error
    // Nothing was sent, or it would have been seen to its end: it is done again on a new store.
    await follower.rebuild()
    return { kind: 'lost' }
  }
}

async function attempt(alone: AloneTransaction, store: Store, context: AloneContext): Promise<Attempt> {
  await store.run([BEGIN])
  const earlier = await placeOfKey(alone.key, store, context)
  if (earlier !== undefined) {
    await store.rollback()
    return { kind: 'repeat', answer: await repeated(alone, earlier, context.answers) }
  }
  const { mark } = store
  const decision = await alone.decide({ mark, read: (statements) => store.run(statements) })
  if (isEmpty(decision)) {
    await store.rollback()
    return { kind: 'nothing', lsn: mark.lsn }
  }
  checkFormat(decision, context.format())
  if (decision.growth > 0 && context.full()) throw storeFull()
  const { encoded, step, transaction } = await written(alone, decision, store, context)
  const settled = await append(encoded, alone, context)
  if (settled.kind === 'failed') {
    throw new BorealError('log_unavailable', `the log did not take the transaction: ${settled.error.message}`, {
      cause: settled.error,
      retryAfter: 1,
    })
  }
  if (settled.kind === 'lost') {
    context.duty.lostTo(settled.item.writer)
    await store.rollback()
    return { kind: 'lost' }
  }
  store.commit(step)
  context.follower.tell(step)
  if (step.framed !== undefined) await committed(store)
  const { id, request, results } = transaction
  return { kind: 'committed', answer: context.answers.add(step.to.lsn, 0, { id, request, results }) }
}

/** What is staged are rows that are put and removed, whichever of both. */
function checkFormat({ events, stage }: AloneDecision, format: number): void {
  if (stage !== undefined) assertWritable({ event: 'rowsPut', v: 1 }, format)
  for (const event of events) assertWritable(event, format)
}

function isEmpty({ events, stage }: AloneDecision): boolean {
  return events.length === 0 && (stage === undefined || stage.frames.length + stage.loose.length === 0)
}

/** A large step is not kept to be written again, so its commit is not put off. If it fails, the store is built anew. */
async function committed(store: Store): Promise<void> {
  await store.run([]).catch((error: unknown) => store.engine.kill(`it could not commit: ${messageOf(error)}`))
}

/** What is ready to be sent: its rows are written in the open SQL transaction. */
interface Written {
  encoded: EncodedEntry
  step: Step
  transaction: WrittenTransaction
}

/** Writes the rows before anything is sent: what cannot be written is never durable. */
function written(
  alone: AloneTransaction,
  decision: AloneDecision,
  store: Store,
  context: AloneContext,
): Promise<Written> {
  const { principal, key, reason } = alone
  const transaction: WrittenTransaction = {
    id: context.runtime.newId(),
    ...(key === undefined ? {} : { key: key.text, principal, request: key.request }),
    actor: principal,
    reason,
    events: [],
    results: [],
  }
  const { stage, events } = decision
  if (stage !== undefined && stage.frames.length > 0) return writtenInFrames(transaction, stage, events, store, context)
  return writtenWhole({ ...transaction, events: [...events, ...(stage?.loose ?? []).map(eventOf)] }, store, context)
}

async function writtenWhole(transaction: WrittenTransaction, store: Store, { log }: AloneContext): Promise<Written> {
  const { mark } = store
  const time = log.nextTime(mark)
  const encoded = log.encode(mark, time, [transaction])
  const changes = new ChangeSet()
  foldEntry(changes, log.decode(encoded))
  const step = stepOf(mark, changes, markOf(encoded.item), await store.rowsBefore(changes))
  await store.run(step.statements)
  return { encoded, step, transaction }
}

async function writtenInFrames(
  transaction: WrittenTransaction,
  stage: FrameStage,
  first: BorealEvent[],
  store: Store,
  { log }: AloneContext,
): Promise<Written> {
  const { mark } = store
  const ids = log.entryIds()
  const { frames, stored } = await stage.storeAs(bodyKey(ids.storeId, mark.lsn + 1, ids.attempt), first)
  const draft = { lsn: mark.lsn + 1, time: log.nextTime(mark), prev: mark.hash, transaction }
  const encoded = encodeFramed(draft, frames, ids)
  await stored
  const step = framedStepOf(log, mark, log.decode(encoded))
  await store.writeFramed(step)
  return { encoded, step, transaction }
}

/** Sees the append to its end; at the deadline by racing it. */
async function append(encoded: EncodedEntry, { deadline }: AloneTransaction, context: AloneContext): Promise<Settled> {
  const { log, tail, runtime, patienceMs, onPending } = context
  const done = new AbortController()
  let settled: Settled | undefined
  tail.appendStarted()
  try {
    const pending = await log.append(encoded)
    onPending(pending)
    void runtime.sleep(patienceMs, done.signal).then(() => pending.abandon())
    const left = Math.min(LONGEST_TIMER_MS, Math.max(0, deadline - runtime.monotonic()))
    void runtime.sleep(left, done.signal).then(() => {
      if (!done.signal.aborted) pending.endDoubt(log.noop(pending.item))
    })
    settled = await pending.settled
    return settled
  } finally {
    done.abort()
    onPending(undefined)
    tail.appendEnded(settled?.kind === 'durable' ? encoded.item.lsn : undefined)
  }
}

/** Where the key was used before; refuses one that is too old for anybody to know. */
async function placeOfKey(
  key: SubmittedKey | undefined,
  store: Store,
  { log }: AloneContext,
): Promise<{ lsn: number; index: number } | undefined> {
  if (key === undefined) return undefined
  const [place, horizon] = await store.run([idempotencyPlace(key.hash), horizonStatement])
  const found = placeOf(place)
  const meta = { timeMs: log.nextTime(store.mark) }
  if (found === undefined) checkKeyTime(key.timeMs, { horizonMs: jsonOf<number>(horizon) ?? 0, meta })
  return found
}

async function repeated(
  { key }: AloneTransaction,
  { lsn, index }: { lsn: number; index: number },
  answers: Answers,
): Promise<TransactionAnswer> {
  const { answer, request } = await answers.at(lsn, index)
  if (request !== key?.request) throw keyReused()
  return answer
}

function tooLate(): BorealError {
  return new BorealError(
    'deadline_exceeded',
    'it was not carried out in time: other nodes kept writing, or the log did not answer. Nothing was done; send it again',
  )
}
