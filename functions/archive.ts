import { archiveAge } from '../lib/archive/age.ts'
import { storeJob } from './store-job.ts'

/**
 * Copies new entries of the log into the archive; to be started by a schedule, every minute. Several at once are harmless,
 * and so is the end of one at any moment.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_NAME. Memory: 512 MB.
 */
export const handler = storeJob('archive', {
  work: ({ runJob, signal }) => runJob('archive', {}, signal),
  measure: async ({ log, objects }) => ({ ArchiveAge: (await archiveAge(log, objects)) / 1_000 }),
})
