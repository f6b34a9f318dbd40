import type { Entry } from '../log/entry.ts'
import type { Log } from '../log/log.ts'
import { BulkLoad } from '../store/bulk-load.ts'
import type { ChangeSet } from '../store/change-set.ts'
import type { RowBefore } from '../store/change-statements.ts'
import { keepHouse } from '../store/housekeeping.ts'
import { jsonOf } from '../store/result-set.ts'
import { statement } from '../store/statement.ts'
import { type Step, stepOf } from '../store/step.ts'
import { quietly, type Store } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { tasksTable } from '../store/tasks-table.ts'
import { framedStepOf } from './framed-step.ts'
import { type Run, type RunLimits, runsOf } from './runs.ts'

export interface ReplayOptions {
  /** Stop exactly here; default: the end of the log. */
  upTo?: number
  /** Hears every step taken. */
  onStep?: (step: Step) => void
  /** Hears what was applied, run by run. */
  onRun?: (run: Run) => void
  limits?: RunLimits
  /** The entries behind the store's place. Default: those of the log. */
  pages?: AsyncIterable<Entry[]>
}

/** Runs between two looks at whether the engine needs a checkpoint or a vacuum. */
const HOUSEKEEPING_RUNS = 16

/** Whether the log goes on so far that it may have to be applied in bulk from the beginning. */
export function isMuch(from: number, to: number): boolean {
  return to - from >= Math.max(BULK_ENTRIES, to * BULK_SHARE)
}

const BULK_ENTRIES = 50
/** Of the tasks that are stored: to build indexes of the whole store pays from there on. */
const BULK_SHARE = 0.2
/** Rows from which on it is worth a look whether those to come are many. */
const BULK_ROWS = 500

/**
 * Brings a store forward along the log. Entries are folded into runs, each applied in one SQL transaction; reading,
 * decoding and folding the next run go on while the engine applies this one. To be called by whoever owns the store
 * (Store.exclusive).
 *
 * @throws CorruptEntry, LogTrimmed, or BorealError `log_unavailable`; the store then stands at the end of a run.
 */
export function replay(log: Log, store: Store, options: ReplayOptions = {}): Promise<void> {
  return applyRuns(log, store, options)
}

/**
 * The same on a store that nobody reads until it is done: what follows from rows is written only at the end, and what is much
 * is applied without secondary indexes. There are no steps to tell. `inBulk`: so from the beginning; default: if that pays.
 */
export async function replayUnread(
  log: Log,
  store: Store,
  options: Omit<ReplayOptions, 'onStep'> & { upTo: number; inBulk?: boolean },
): Promise<void> {
  const { upTo, inBulk } = options
  const from = store.mark.lsn
  if (from >= upTo) return
  const bulk = new BulkLoad(store)
  // An entry has a row at least; in one with many this shows when it comes.
  const pays = async () => isMuch(from, upTo) && upTo - from >= BULK_SHARE * (await tasksIn(store))
  if (inBulk ?? (await pays())) await bulk.dropIndexes()
  try {
    await applyRuns(log, store, { ...options, bulk })
  } finally {
    await bulk.end()
  }
}

async function tasksIn(store: Store): Promise<number> {
  const [count] = await store.run([statement('select count(*) from task')])
  return jsonOf<number>(count)!
}

/** How many rows there will be if the entries to come have as many as those of a run. */
function rowsToCome(run: Run, from: number, upTo: number): number {
  const rows = run.changes.tables.get(tasksTable as Table)?.size ?? 0
  return rows < BULK_ROWS ? 0 : (rows / (run.to.lsn - from)) * (upTo - from)
}

async function applyRuns(log: Log, store: Store, options: ReplayOptions & { bulk?: BulkLoad }): Promise<void> {
  const { upTo = Number.POSITIVE_INFINITY, onStep, onRun, limits, bulk, pages = log.follow(store.mark) } = options
  if (store.mark.lsn >= upTo) return
  const take = async ({ step, run }: Ready) => {
    await store.take([step])
    if (step.later !== undefined) bulk!.putOff(step.later)
    onStep?.(step)
    onRun?.(run)
  }
  let last: Ready | undefined
  let unsent: Ready | undefined
  let taking: Promise<void> = Promise.resolve()
  let runs = 0
  /** As many as there were when that was first asked. */
  let tasks: number | undefined
  const send = () => {
    if (unsent !== undefined) taking = quietly(take(unsent))
    unsent = undefined
  }
  /** So many rows are to come: without indexes, if that pays. */
  const prepareFor = async (rows: number) => {
    if (bulk === undefined || !bulk.hasIndexes || rows === 0) return
    tasks ??= await tasksIn(store)
    if (rows < BULK_SHARE * tasks) return
    await taking
    send()
    await taking
    await bulk.dropIndexes()
  }
  let failure: { error: unknown } | undefined
  try {
    for await (const run of runsOf(pages, upTo, limits)) {
      if (run.framed !== undefined) {
        await taking
        send()
        await taking
        const step = framedStepOf(log, store.mark, run.framed)
        await prepareFor(step.framed!.tasks)
        const later = await store.takeFramed(step, bulk !== undefined)
        if (later !== undefined) bulk!.putOff(later)
        onStep?.(step)
        onRun?.(run)
        last = undefined
        continue
      }
      await prepareFor(rowsToCome(run, last?.step.to.lsn ?? store.mark.lsn, upTo))
      // Asked for before the run before is sent, and that is sent before this one's statements are made: so the engine
      // has work all the time. What the run before changes is laid on top of what is read.
      const rows = quietly(store.rowsBefore(run.changes))
      const earlier = taking
      send()
      await earlier
      if (++runs % HOUSEKEEPING_RUNS === 0) await keepHouse(store)
      const before = onTop(last?.run.changes, await rows)
      const from = last?.step.to ?? store.mark
      last = unsent = { run, step: stepOf(from, run.changes, run.to, before, bulk !== undefined) }
    }
  } catch (error) {
    failure = { error }
  }
  // What came before a failure is good, and nothing is on its way when the store is given back.
  await taking.then(send).catch((error: unknown) => (failure ??= { error }))
  await taking.catch((error: unknown) => (failure ??= { error }))
  if (failure !== undefined) throw failure.error
}

interface Ready {
  run: Run
  step: Step
}

/** Rows as they are after a change set that had not been applied when they were read. */
function onTop(changes: ChangeSet | undefined, before: RowBefore): RowBefore {
  return (table, key) => {
    const change = changes?.tables.get(table)?.get(key)
    return change === undefined ? before(table, key) : change.current
  }
}
