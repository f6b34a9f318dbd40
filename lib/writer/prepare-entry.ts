import type { EncodedEntry } from '../log/entry-codec.ts'
import type { Log } from '../log/log.ts'
import type { Runtime } from '../model/runtime.ts'
import { SqlError } from '../store/protocol.ts'
import type { Step, Store } from '../store/store.ts'
import { announceBatch, type Decision, type Evaluation, evaluateBatch } from './evaluate.ts'
import type { Horizon } from './horizon.ts'
import type { StoreLimits } from './store-limits.ts'
import type { Submission } from './submission.ts'

/** A batch that is decided and written, inside an open SQL transaction, and only waits for the log. */
export interface PreparedEntry {
  kind: 'prepared'
  evaluation: Evaluation
  encoded: EncodedEntry
  step: Step
}

export type Preparation =
  | PreparedEntry
  /** Nothing to append; the decisions hold if the log has not gone on since `lsn`. */
  | { kind: 'decided'; decisions: Decision[]; lsn: number }
  /** The database refused the rows, so somebody in the batch is to blame. */
  | { kind: 'unwritable'; error: SqlError; lsn: number }

export interface PreparationContext {
  log: Log
  horizon: Horizon
  runtime: Runtime
  /** Refuse what adds rows. */
  full: boolean
  limits: StoreLimits
}

/**
 * Reads, decides and writes a batch on top of a store, in two messages to its engine. Leaves a SQL transaction open
 * exactly when it returns `prepared`.
 */
export async function prepareEntry(
  store: Store,
  batch: readonly Submission[],
  { log, horizon, runtime, full, limits }: PreparationContext,
): Promise<Preparation> {
  const { mark } = store
  const meta = { version: mark.lsn + 1, timeMs: log.nextTime(mark) }
  const plan = announceBatch(batch).plan()
  const snapshot = plan.load(await store.begin(plan.statements))
  const context = { meta, horizonMs: horizon.timeMs, full, limits, newId: runtime.newId }
  const evaluation = evaluateBatch(batch, snapshot, context)
  if (evaluation.transactions.length === 0) {
    await store.rollback()
    return { kind: 'decided', decisions: evaluation.decisions, lsn: mark.lsn }
  }
  moveHorizon(evaluation, horizon, runtime)
  const encoded = log.encode(mark, meta.timeMs, evaluation.transactions)
  const step = store.step(evaluation.changes, encoded.item, snapshot.before)
  try {
    await store.run(step.statements)
    return { kind: 'prepared', evaluation, encoded, step }
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    await store.rollback()
    return { kind: 'unwritable', error, lsn: mark.lsn }
  }
}

/** Forgetting old keys is a transaction like any other, at the end of the batch. */
function moveHorizon({ transactions, changes }: Evaluation, horizon: Horizon, runtime: Runtime): void {
  const moved = horizon.next(changes.timeMs)
  if (moved === undefined) return
  changes.apply([moved], { version: changes.lsn, timeMs: changes.timeMs })
  transactions.push({ id: runtime.newId(), actor: 'boreal', reason: 'horizon', events: [moved], results: [] })
}
