import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import { type ImageSource, onlyEmptyStore, openStore, sourcesInTurn, withBestImage } from '../replica/image-source.ts'
import { replayUnread } from '../replica/replay.ts'
import type { Manifest } from '../snapshot/documents.ts'
import { placedImage } from '../snapshot/placed-image.ts'
import { snapshotImages } from '../snapshot/snapshot-images.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import type { BaseImage } from '../store/base-image.ts'
import type { Store } from '../store/store.ts'
import { ThreadEngine } from '../store/thread-engine.ts'

/** A place of the log: behind an entry, or behind one transaction in it. */
export interface Point {
  lsn: number
  index?: number | undefined
}

export interface ReplayTo extends Point {
  log: Log
  base: BaseImage
  logger: Logger
  /** Begin at the newest snapshot below it; without, the log alone is believed. */
  objects?: ObjectReads | undefined
  onLsn?(lsn: number): void
}

/**
 * Builds a store in memory that stands exactly at a point of the log. The caller kills its engine.
 *
 * @throws BorealError `lsn_not_reached` when the log ends before, `invalid_field` for a transaction that is not there
 */
export async function storeAt({ log, base, logger, objects, lsn, index, onLsn }: ReplayTo): Promise<Store> {
  const whole = index === undefined ? lsn : lsn - 1
  const empty = onlyEmptyStore(base, () => log.genesis())
  const images: ImageSource =
    objects === undefined ? empty : sourcesInTurn([snapshotImages({ log, objects, base, logger }), empty])
  const store = await withBestImage(images, whole, logger, async (image) =>
    openStore(await ThreadEngine.boot(image), image),
  )
  try {
    await advance(log, store, whole, onLsn)
    if (index !== undefined) await applyPart(log, store, { lsn, index })
    return store
  } catch (error) {
    await store.engine.kill()
    throw error
  }
}

/** Brings a store forward to an entry. @throws BorealError `lsn_not_reached` when the log ends before */
export async function advance(log: Log, store: Store, lsn: number, onLsn?: (lsn: number) => void): Promise<void> {
  await replayUnread(log, store, { upTo: lsn, onRun: ({ to }) => onLsn?.(to.lsn) })
  if (store.mark.lsn < lsn)
    throw new BorealError('lsn_not_reached', `the log ends at LSN ${store.mark.lsn}, before ${lsn}`)
}

async function applyPart(log: Log, store: Store, { lsn, index }: { lsn: number; index: number }): Promise<void> {
  for await (const [entry] of log.follow(store.mark)) {
    const { transactions } = entry!
    if (index < transactions.length) {
      await store.apply([{ ...entry!, transactions: transactions.slice(0, index + 1) }])
      return
    }
    throw new BorealError(
      'invalid_field',
      `log entry ${lsn} has transactions 0 to ${transactions.length - 1}, not ${index}`,
    )
  }
  throw new BorealError('lsn_not_reached', `the log ends before LSN ${lsn}`)
}

/** Restores a snapshot as it was, whatever is thought of it. The caller kills its engine. */
export async function storeOf(manifest: Manifest, objects: ObjectReads, base: BaseImage): Promise<Store> {
  const { snapshotId } = manifest
  const unusable = unusableBecause(manifest, base)
  if (unusable !== undefined)
    throw new BorealError('snapshot_corrupt', `snapshot ${snapshotId} cannot be restored: ${unusable}`)
  const image = placedImage(objects, manifest, base)
  return openStore(await ThreadEngine.boot(image), image)
}
