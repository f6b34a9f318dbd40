import { jobUpdateKeyText } from '../model/job-update.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { TERMINAL_STATUSES } from '../model/schedule-status.ts'
import type { TransactionRequest } from '../model/transaction.ts'
import { type PrunableUpdate, prunableTasks, prunableUpdates } from '../store/history.ts'
import { jsonOf, type ResultSet } from '../store/result-set.ts'
import type { Statement } from '../store/statement.ts'
import { periodically } from './periodically.ts'

/** How long what is over is kept. The defaults are Apache Aurora's. */
export interface HistorySettings {
  /** Terminal tasks go so long after their last change, ms. */
  taskRetentionMs: number
  /** Terminal tasks that each job keeps; the others go sooner, */
  tasksPerJob: number
  /** but not before this long after their last change, ms. */
  taskMinRetentionMs: number
  /** Terminal updates go so long after they were created, ms. */
  updateRetentionMs: number
  /** Terminal updates that each job keeps; the others go at once. */
  updatesPerJob: number
  /** Ms between rounds; 0 turns pruning off. */
  intervalMs: number
}

const HOUR_MS = 60 * 60 * 1_000

export const HISTORY_SETTINGS: HistorySettings = {
  taskRetentionMs: 48 * HOUR_MS,
  tasksPerJob: 100,
  taskMinRetentionMs: HOUR_MS,
  updateRetentionMs: 30 * 24 * HOUR_MS,
  updatesPerJob: 10,
  intervalMs: 15 * 60 * 1_000,
}

/** Removed by one transaction: far below its limits, so that nobody's writes wait long. */
const TASKS_AT_ONCE = 1_000
const UPDATES_AT_ONCE = 100

export interface HistoryPrunerOptions {
  settings: HistorySettings
  runtime: Runtime
  logger: Logger
  /** Server time, ms: the time of the rows. */
  now(): number
  read(statement: Statement): Promise<ResultSet>
  submit(request: TransactionRequest): Promise<unknown>
  onDuty(): boolean
}

/**
 * Removes what is over, from time to time, by ordinary transactions: they are in the log, and every store forgets the
 * same. What is active is never touched: each transaction holds only if what it removes is still over. Several nodes
 * may prune one store; whoever comes second finds nothing.
 */
export class HistoryPruner {
  readonly #options: HistoryPrunerOptions
  readonly #stop = new AbortController()

  constructor(options: HistoryPrunerOptions) {
    this.#options = options
    const { runtime, logger, settings, onDuty } = options
    const { signal } = this.#stop
    const failure = 'history could not be pruned'
    void periodically({ runtime, logger, signal, onDuty, intervalMs: settings.intervalMs, failure }, async () => {
      const { tasks, updates } = await this.prune()
      if (tasks + updates > 0) logger.info('pruned history', { tasks, updates })
    })
  }

  stop(): void {
    this.#stop.abort()
  }

  /** One round. Tells how many tasks and updates it removed. */
  async prune(): Promise<{ tasks: number; updates: number }> {
    return { tasks: await this.#pruneTasks(), updates: await this.#pruneUpdates() }
  }

  async #pruneTasks(): Promise<number> {
    const { settings, now, read, submit } = this.#options
    let pruned = 0
    for (;;) {
      const statement = prunableTasks({
        beforeMs: now() - settings.taskRetentionMs,
        keepPerJob: settings.tasksPerJob,
        restedMs: now() - settings.taskMinRetentionMs,
        limit: TASKS_AT_ONCE,
      })
      const taskIds = jsonOf<string[]>(await read(statement)) ?? []
      if (taskIds.length === 0 || this.#stop.signal.aborted) return pruned
      // By query, so that a task that came back to life meanwhile stays.
      const query = { taskIds, statuses: [...TERMINAL_STATUSES] }
      await submit({ operations: [{ op: 'removeTasks', query }] })
      pruned += taskIds.length
    }
  }

  async #pruneUpdates(): Promise<number> {
    const { settings, now, read, submit } = this.#options
    let pruned = 0
    for (;;) {
      const statement = prunableUpdates({
        beforeMs: now() - settings.updateRetentionMs,
        keepPerJob: settings.updatesPerJob,
        limit: UPDATES_AT_ONCE,
      })
      const updates = jsonOf<PrunableUpdate[]>(await read(statement)) ?? []
      if (updates.length === 0 || this.#stop.signal.aborted) return pruned
      await submit({
        preconditions: updates.map(({ key, version }) => ({
          entity: 'jobUpdate',
          key: jobUpdateKeyText(key),
          version,
        })),
        operations: [{ op: 'removeJobUpdates', keys: updates.map(({ key }) => key) }],
      })
      pruned += updates.length
    }
  }
}
