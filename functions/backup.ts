import { backupAge } from '../lib/backup/age.ts'
import { storeJob } from './store-job.ts'

/**
 * Makes a backup of the store and deletes those that are no longer kept; to be started by a schedule, every hour.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_BACKUP_BUCKET, BOREAL_NAME, BOREAL_BACKUPS_KEPT, BOREAL_BACKUP_DAYS,
 * BOREAL_BACKUP_WEEKS. Memory: that of a store, and 200 MB.
 */
export const handler = storeJob('backup', {
  work: ({ runJob, config: { backupSettings, archive }, signal }) =>
    runJob('backup', { retention: backupSettings.retention, retentionMs: archive.trim.retentionMs }, signal),
  measure: async ({ log, backups }) => ({ BackupAge: (await backupAge(log, backups)) / 1_000 }),
})
