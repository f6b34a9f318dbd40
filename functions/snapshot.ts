import { snapshotAge } from '../lib/snapshot/age.ts'
import { storeJob } from './store-job.ts'

/**
 * Takes a snapshot of the store, verifies it, and deletes those that are no longer needed; to be started by a schedule.
 *
 * Settings: BOREAL_TABLE, BOREAL_BUCKET, BOREAL_NAME, BOREAL_SNAPSHOTS_KEPT, BOREAL_SNAPSHOT_CODEC. Memory: that of a
 * store, and 200 MB.
 */
export const handler = storeJob('snapshot', {
  work: ({ runJob, config: { snapshots, archive }, signal }) =>
    runJob('snapshot', { keep: snapshots.keep, retentionMs: archive.trim.retentionMs }, signal),
  measure: async ({ log, objects }) => ({ SnapshotAge: (await snapshotAge(log, objects)) / 1_000 }),
})
