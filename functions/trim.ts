import { storeJob } from './store-job.ts'

/**
 * Takes out of table and archive what is no longer needed; to be started by a schedule, every hour. The only function that
 * needs permission to change and delete items of the table.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_NAME, BOREAL_TABLE_HOURS, BOREAL_TOMBSTONE_DAYS, BOREAL_RESTORE_DAYS.
 * Memory: 256 MB.
 */
export const handler = storeJob('trim', {
  work: ({ runJob, config, signal }) => runJob('trim', { settings: config.archive.trim }, signal),
  measure: async () => ({}),
})
