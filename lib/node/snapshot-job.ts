import { assertCovered, readHoldings } from '../archive/coverage.ts'
import { TRIM_SETTINGS } from '../archive/trim-settings.ts'
import { messageOf } from '../model/errors.ts'
import { RETENTION_SETTINGS, retainSnapshots } from '../snapshot/retention.ts'
import { type SnapshotContext, type SnapshotOutcome, type TakeOptions, takeSnapshot } from '../snapshot/take.ts'

/** Takes a snapshot and deletes what is no longer needed: what a node does from time to time, and the function. */
export async function snapshotJob(
  context: SnapshotContext,
  options: TakeOptions & { keep?: number | undefined; retentionMs?: number | undefined } = {},
): Promise<SnapshotOutcome> {
  const { keep = RETENTION_SETTINGS.keep, retentionMs = TRIM_SETTINGS.retentionMs, ...take } = options
  const mayGo = async (ids: ReadonlySet<string>) =>
    assertCovered(await readHoldings(context, retentionMs), { points: ids }, `snapshots ${[...ids].join(', ')}`)
  try {
    return await takeSnapshot(context, take)
  } finally {
    // Also when it failed: one that cannot be verified again and again must not fill the disk.
    await retainSnapshots({ ...context, mayGo }, { ...RETENTION_SETTINGS, keep, retentionMs }).catch(
      (error: unknown) => {
        context.logger.warn('snapshots that are no longer needed could not be deleted', { error: messageOf(error) })
      },
    )
  }
}
