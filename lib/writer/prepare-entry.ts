import type { LogMark } from '../log/chain.ts'
import { type EncodedEntry, type EntryIds, encodeEntry } from '../log/entry-codec.ts'
import { type ErrorData, errorData } from '../model/error-data.ts'
import type { FormatVersion, HorizonMoved } from '../model/events.ts'
import { FIRST_FORMAT } from '../model/format.ts'
import type { OperationResult } from '../model/operations.ts'
import type { WriterRequest } from '../model/transaction.ts'
import type { Procedure, Runner } from '../store/procedure.ts'
import { SqlError } from '../store/protocol.ts'
import { refusalOf } from '../store/refusal.ts'
import { BEGIN, ROLLBACK } from '../store/statement.ts'
import { type Step, stepOf } from '../store/step.ts'
import { announceBatch, type Decision, type Evaluation, evaluateBatch } from './evaluate.ts'
import type { StoreLimits } from './store-limits.ts'
import type { SubmittedTransaction } from './submission.ts'

/** A batch to be prepared, and all that its entry depends on besides the store. */
export interface EntryRequest {
  batch: SubmittedTransaction[]
  /** One per transaction of the batch, and one for a transaction of our own. */
  transactionIds: string[]
  /** Where the store stands. */
  mark: LogMark
  /**
   * Whether the SQL transaction that brought the store there is still open: then nothing of it is committed or rolled
   * back here.
   */
  onTop: boolean
  /** Time of the entry to be, ms. */
  timeMs: number
  ids: EntryIds
  /** Keys that carry a time before this are expired. */
  horizonMs: number
  /** Where the horizon is to move, if anything is appended. */
  horizonMoved: HorizonMoved | undefined
  /** Refuse what adds rows. */
  full: boolean
  limits: StoreLimits
  /** The format of the store. */
  format: number
  /** The format that a log begins with, by its first entry. */
  newLogFormat: number
}

/** What became of one transaction. */
export type Verdict =
  | { kind: 'commit'; index: number; id: string; request: string | undefined; results: OperationResult[] }
  | { kind: 'noop'; id: string; results: OperationResult[] }
  | { kind: 'refuse'; error: ErrorData }
  | { kind: 'repeat'; lsn: number; index: number }

/** A batch that is decided and written, in an open SQL transaction, and only waits for the log. */
export interface PreparedEntry {
  kind: 'prepared'
  /** One per transaction of the batch. */
  verdicts: Verdict[]
  encoded: EncodedEntry
  step: Step
}

export type Preparation =
  | PreparedEntry
  /** Nothing to append; the verdicts hold if the log has not gone on meanwhile. */
  | { kind: 'decided'; verdicts: Verdict[] }
  /** The database refused the rows, so somebody in the batch is to blame. The SQL transaction is rolled back. */
  | { kind: 'unwritable'; error: ErrorData }

/**
 * Reads, decides and writes a batch on top of a store, in two messages to its engine, in the engine's thread.
 * Opens a SQL transaction unless there is one, and leaves it open when it returns `prepared`.
 */
export const prepareEntry: Procedure<EntryRequest, Preparation> = {
  name: 'prepareEntry',

  async run(engine, request) {
    const { mark, timeMs, ids, horizonMoved } = request
    const evaluation = await decide(engine, request)
    const { transactions, changes } = evaluation
    const verdicts = evaluation.decisions.map(verdictOf)
    if (transactions.length === 0) {
      if (!request.onTop) await engine.run([ROLLBACK])
      return { kind: 'decided', verdicts }
    }
    if (horizonMoved !== undefined) append(evaluation, 'horizon', horizonMoved, request)
    if (beginsLog(request))
      append(evaluation, 'format', { event: 'formatVersion', v: 1, format: formatOf(request) }, request)
    const encoded = encodeEntry({ lsn: mark.lsn + 1, time: timeMs, prev: mark.hash, transactions }, ids)
    const step = stepOf(mark, changes, encoded.item, evaluation.before)
    try {
      await engine.run(step.statements)
      return { kind: 'prepared', verdicts, encoded, step }
    } catch (error) {
      if (!(error instanceof SqlError)) throw error
      await engine.run([ROLLBACK])
      return { kind: 'unwritable', error: refusalOf(error) }
    }
  },
}

async function decide(engine: Runner, request: EntryRequest): Promise<Evaluation> {
  const { mark, timeMs, horizonMs, full, limits, transactionIds } = request
  const batch = request.batch.map(({ text, principal, key, reason }, index) => ({
    id: transactionIds[index]!,
    request: JSON.parse(text) as WriterRequest,
    principal,
    key,
    reason,
  }))
  const plan = announceBatch(batch).plan()
  const begin = request.onTop ? [] : [BEGIN]
  const snapshot = plan.load((await engine.run([...begin, ...plan.statements])).slice(begin.length))
  const meta = { version: mark.lsn + 1, timeMs }
  return evaluateBatch(batch, snapshot, { meta, horizonMs, full, limits, format: formatOf(request) })
}

/**
 * Nobody has read the log of a new store, so it begins with all that its first writer knows, and need not be finalized.
 * (Not that of a clone, which goes on with the state of its parent.)
 */
function beginsLog({ mark, newLogFormat }: EntryRequest): boolean {
  return mark.lsn === 0 && newLogFormat > FIRST_FORMAT
}

function formatOf(request: EntryRequest): number {
  return beginsLog(request) ? request.newLogFormat : request.format
}

/** What the node adds is a transaction like any other, at the end of the batch. There is one at most: a new log has no keys. */
function append(
  { transactions, changes }: Evaluation,
  reason: string,
  event: HorizonMoved | FormatVersion,
  request: EntryRequest,
): void {
  changes.apply([event], { version: changes.lsn, timeMs: changes.timeMs })
  const id = request.transactionIds[request.batch.length]!
  transactions.push({ id, actor: 'boreal', reason, events: [event], results: [] })
}

function verdictOf(decision: Decision): Verdict {
  switch (decision.kind) {
    case 'commit': {
      const { id, request, results } = decision.transaction
      return { kind: 'commit', index: decision.index, id, request, results }
    }
    case 'refuse':
      return { kind: 'refuse', error: errorData(decision.error) }
    default:
      return decision
  }
}
