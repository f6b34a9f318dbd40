import { restoreAge } from '../lib/backup/age.ts'
import { isBorealError } from '../lib/model/errors.ts'
import { assertPassed } from '../lib/node/backup-job.ts'
import { storeJob } from './store-job.ts'

/**
 * A restore drill: restores the newest backup, from its image and from its dump, and compares what it finds with what it
 * should be; to be started by a schedule, every day. It fails when the backup does.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_BACKUP_BUCKET, BOREAL_NAME. Memory: that of a store, and 200 MB.
 */
export const handler = storeJob('verify', {
  work: async ({ runJob, signal }) => {
    const outcome = await runJob('drill', {}, signal).catch((error: unknown) => {
      // Before the first backup: the alarm on the age of backups is for that.
      if (isBorealError(error, 'not_found')) return { passed: false, reason: error.message } as const
      throw error
    })
    if ('reason' in outcome) return outcome
    assertPassed(outcome)
    return outcome
  },
  measure: async ({ log, backups }) => {
    const age = await restoreAge(log, backups)
    return age === undefined ? {} : { VerifiedRestoreAge: age / 1_000 }
  },
})
