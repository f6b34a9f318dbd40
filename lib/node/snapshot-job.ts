import { assertCovered, readHoldings } from '../archive/coverage.ts'
import { TRIM_SETTINGS } from '../archive/trim-settings.ts'
import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { RETENTION_SETTINGS, retainSnapshots } from '../snapshot/retention.ts'
import { type SnapshotContext, type SnapshotOutcome, type TakeOptions, takeSnapshot } from '../snapshot/take.ts'
import { loadBaseImage } from '../store/base-image.ts'
import type { NodeConfig } from './config.ts'
import { openLog } from './open-log.ts'

/** A whole run on what the configuration names, in this thread: what the function does. */
export async function snapshotOnce(
  config: NodeConfig,
  context: { runtime: Runtime; logger: Logger },
): Promise<SnapshotOutcome> {
  const base = await loadBaseImage()
  const opened = await openLog(config.storage, config.name, context)
  try {
    const job = { ...context, ...opened, base, codec: config.snapshotCodec }
    return await snapshotJob(job, { keep: config.snapshots.keep, retentionMs: config.archive.trim.retentionMs })
  } finally {
    await opened.close()
  }
}

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
