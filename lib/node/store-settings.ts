import { PAST_SETTINGS, type PastSettings } from '../recovery/past-stores.ts'
import { QUEUE_LIMITS, type QueueLimits } from '../writer/queue.ts'
import type { StoreLimits } from '../writer/store-limits.ts'
import { STORE_LIMITS } from '../writer/store-limits.ts'
import { HISTORY_SETTINGS, type HistorySettings } from './history-pruner.ts'
import { SNAPSHOT_SETTINGS, type SnapshotSettings } from './node-snapshots.ts'

const HOUR_MS = 60 * 60 * 1_000

/** A number that can be set by flag or environment. */
export interface Setting {
  flag: string
  env: string
  /** What it is, with its unit. */
  what: string
  default: number
  least: number
  most: number
}

const setting = (name: string, what: string, byDefault: number, least = 0, most = 1_000_000_000): Setting => ({
  flag: name,
  env: `BOREAL_${name.toUpperCase().replaceAll('-', '_')}`,
  what,
  default: byDefault,
  least,
  most,
})

/** What a store may hold and how long it keeps what is over. */
export const STORE_SETTINGS = {
  maxTasksPerJob: setting('max-tasks-per-job', 'active tasks that a job may have', STORE_LIMITS.maxTasksPerJob),
  maxUpdateInstanceFailures: setting(
    'max-update-instance-failures',
    'instance failures that an update may tolerate in all',
    STORE_LIMITS.maxUpdateInstanceFailures,
  ),
  batchMs: setting(
    'batch-ms',
    'ms that deciding and writing a batch of transactions should take at most',
    QUEUE_LIMITS.batchTargetMs,
    1,
    10_000,
  ),
  taskHistoryHours: setting(
    'task-history-hours',
    'hours after which terminal tasks go',
    HISTORY_SETTINGS.taskRetentionMs / HOUR_MS,
  ),
  taskHistoryMinHours: setting(
    'task-history-min-hours',
    'hours that every terminal task stays',
    HISTORY_SETTINGS.taskMinRetentionMs / HOUR_MS,
  ),
  taskHistoryPerJob: setting(
    'task-history-per-job',
    'terminal tasks that each job keeps',
    HISTORY_SETTINGS.tasksPerJob,
  ),
  updateHistoryHours: setting(
    'update-history-hours',
    'hours after which terminal updates go',
    HISTORY_SETTINGS.updateRetentionMs / HOUR_MS,
  ),
  updateHistoryPerJob: setting(
    'update-history-per-job',
    'terminal updates that each job keeps',
    HISTORY_SETTINGS.updatesPerJob,
  ),
  pruneMinutes: setting(
    'prune-minutes',
    'minutes between rounds of pruning, 0 for never',
    HISTORY_SETTINGS.intervalMs / 60_000,
  ),
  snapshotMinutes: setting(
    'snapshot-minutes',
    'minutes between looks whether a snapshot is due, 0 for never; on a table of your own 0 unless set',
    10,
  ),
  snapshotEntries: setting(
    'snapshot-entries',
    'new entries of the log at which a snapshot is due',
    SNAPSHOT_SETTINGS.minEntries,
    1,
  ),
  pastStates: setting(
    'past-states',
    'earlier states that may be open at once, each a copy of the store',
    PAST_SETTINGS.most,
    1,
    64,
  ),
  pastIdleSeconds: setting(
    'past-idle-seconds',
    'seconds after which an earlier state is closed that nobody reads',
    PAST_SETTINGS.idleMs / 1_000,
    1,
    1_000_000,
  ),
  snapshotsKept: setting('snapshots-kept', 'verified snapshots to keep', SNAPSHOT_SETTINGS.keep, 2, 1_000),
}

export type StoreSettings = Record<keyof typeof STORE_SETTINGS, number>

/** The settings in the form the node takes them. */
export function storeOptions(settings: StoreSettings): {
  limits: StoreLimits
  queue: QueueLimits
  history: HistorySettings
  snapshots: SnapshotSettings
  past: PastSettings
} {
  return {
    limits: {
      maxTasksPerJob: settings.maxTasksPerJob,
      maxUpdateInstanceFailures: settings.maxUpdateInstanceFailures,
    },
    queue: { ...QUEUE_LIMITS, batchTargetMs: settings.batchMs },
    history: {
      taskRetentionMs: settings.taskHistoryHours * HOUR_MS,
      taskMinRetentionMs: settings.taskHistoryMinHours * HOUR_MS,
      tasksPerJob: settings.taskHistoryPerJob,
      updateRetentionMs: settings.updateHistoryHours * HOUR_MS,
      updatesPerJob: settings.updateHistoryPerJob,
      intervalMs: settings.pruneMinutes * 60_000,
    },
    past: { ...PAST_SETTINGS, most: settings.pastStates, idleMs: settings.pastIdleSeconds * 1_000 },
    snapshots: {
      intervalMs: settings.snapshotMinutes * 60_000,
      minEntries: settings.snapshotEntries,
      keep: settings.snapshotsKept,
    },
  }
}
