import { RETENTION_SETTINGS, retainSnapshots } from '../snapshot/retention.ts'
import { type SnapshotContext, type SnapshotOutcome, type TakeOptions, takeSnapshot } from '../snapshot/take.ts'
import type { Engine } from '../store/engine.ts'
import type { StoreImage } from '../store/image-parts.ts'

/** Takes a snapshot and deletes what is no longer needed: what a node does from time to time, and the function. */
export async function snapshotJob(
  context: SnapshotContext & { boot?: ((image: StoreImage) => Promise<Engine>) | undefined },
  options: TakeOptions & { keep?: number | undefined } = {},
): Promise<SnapshotOutcome> {
  const { keep = RETENTION_SETTINGS.keep, ...take } = options
  const outcome = await takeSnapshot(context, take)
  await retainSnapshots(context, { ...RETENTION_SETTINGS, keep })
  return outcome
}
