import { DAY_MS, TRIM_SETTINGS } from '../archive/trim-settings.ts'
import { BACKUP_RETENTION } from '../backup/retention.ts'
import { BorealError } from '../model/errors.ts'
import { PAST_SETTINGS, type PastSettings } from '../recovery/past-stores.ts'
import { QUEUE_LIMITS, type QueueLimits } from '../writer/queue.ts'
import type { StoreLimits } from '../writer/store-limits.ts'
import { STORE_LIMITS } from '../writer/store-limits.ts'
import { HISTORY_SETTINGS, type HistorySettings } from './history-pruner.ts'
import type { ArchiveSettings } from './node-archive.ts'
import type { BackupSettings } from './node-backups.ts'
import { SNAPSHOT_SETTINGS, type SnapshotSettings } from './node-snapshots.ts'

const HOUR_MS = 60 * 60 * 1_000
const HOURS_OF_CENTURY = 876_000

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
  archiveSeconds: setting(
    'archive-seconds',
    'seconds between looks whether there is something to archive, 0 for never; on a table of your own 0 unless set',
    30,
  ),
  trimMinutes: setting(
    'trim-minutes',
    'minutes between rounds of trimming, 0 for never; on a table of your own 0 unless set',
    60,
  ),
  sweepMinutes: setting(
    'sweep-minutes',
    'minutes between rounds that delete what is left of deleted clones, 0 for never; on a table of your own 0 unless set',
    60,
  ),
  tableHours: setting(
    'table-hours',
    'hours that entries stay whole in the table',
    TRIM_SETTINGS.tableMs / HOUR_MS,
    24,
    HOURS_OF_CENTURY,
  ),
  tombstoneDays: setting(
    'tombstone-days',
    'days that the places of trimmed entries stay in the table, 0 for ever; 7 at least',
    TRIM_SETTINGS.tombstoneMs / DAY_MS,
  ),
  restoreDays: setting(
    'restore-days',
    'days back to which every second can be restored',
    TRIM_SETTINGS.retentionMs / DAY_MS,
    1,
    36_500,
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
  backupMinutes: setting(
    'backup-minutes',
    'minutes between backups, 0 for never; on a table of your own 0 unless set',
    60,
  ),
  backupsKept: setting('backups-kept', 'newest backups to keep', BACKUP_RETENTION.newest, 1, 100_000),
  backupDays: setting('backup-days', 'days of which the last backup is kept', BACKUP_RETENTION.days, 0, 100_000),
  backupWeeks: setting('backup-weeks', 'weeks of which the last backup is kept', BACKUP_RETENTION.weeks, 0, 100_000),
  drillHours: setting(
    'drill-hours',
    'hours between restore drills of the newest backup, 0 for never; on a table of your own 0 unless set',
    24,
  ),
}

export type StoreSettings = Record<keyof typeof STORE_SETTINGS, number>

/** The settings in the form the node takes them. */
export function storeOptions(settings: StoreSettings): {
  limits: StoreLimits
  queue: QueueLimits
  history: HistorySettings
  snapshots: SnapshotSettings
  backupSettings: BackupSettings
  archive: ArchiveSettings
  past: PastSettings
  sweepMs: number
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
    sweepMs: settings.sweepMinutes * 60_000,
    past: { ...PAST_SETTINGS, most: settings.pastStates, idleMs: settings.pastIdleSeconds * 1_000 },
    snapshots: {
      intervalMs: settings.snapshotMinutes * 60_000,
      minEntries: settings.snapshotEntries,
      keep: settings.snapshotsKept,
    },
    backupSettings: {
      intervalMs: settings.backupMinutes * 60_000,
      drillMs: settings.drillHours * HOUR_MS,
      retention: {
        ...BACKUP_RETENTION,
        newest: settings.backupsKept,
        days: settings.backupDays,
        weeks: settings.backupWeeks,
      },
    },
    archive: {
      intervalMs: settings.archiveSeconds * 1_000,
      trimIntervalMs: settings.trimMinutes * 60_000,
      trim: {
        ...TRIM_SETTINGS,
        tableMs: settings.tableHours * HOUR_MS,
        tombstoneMs: tombstoneMs(settings.tombstoneDays),
        retentionMs: settings.restoreDays * DAY_MS,
      },
    },
  }
}

/** A writer that slept for a day looks at the head before it writes: the rest is for one that sleeps after its look. */
const LEAST_TOMBSTONE_DAYS = 7

function tombstoneMs(days: number): number {
  if (days === 0) return Number.POSITIVE_INFINITY
  if (days >= LEAST_TOMBSTONE_DAYS) return days * DAY_MS
  const message = `${STORE_SETTINGS.tombstoneDays.flag} must be 0, for ever, or at least ${LEAST_TOMBSTONE_DAYS}, not ${days}`
  throw new BorealError('invalid_field', message)
}
