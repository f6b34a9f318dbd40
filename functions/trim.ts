import { BorealError } from '../lib/model/errors.ts'
import { storeJob } from './store-job.ts'

/**
 * Takes out of table and archive what is no longer needed; to be started by a schedule, every hour. The only function that
 * needs permission to empty and delete entries. It fails when something had to stay because it could not be restored
 * otherwise; the rest is done all the same.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_NAME, BOREAL_TABLE_HOURS, BOREAL_TOMBSTONE_DAYS, BOREAL_RESTORE_DAYS.
 * Memory: 512 MB; a busy store needs the processor of more.
 */
export const handler = storeJob('trim', {
  work: async ({ runJob, config, signal }) => {
    const outcome = await runJob('trim', { settings: config.archive.trim }, signal)
    if (outcome.refused.length === 0) return outcome
    throw new BorealError('not_covered', `not everything could be trimmed: ${outcome.refused.join('; ')}`)
  },
})
