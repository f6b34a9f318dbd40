import { verifyItem } from '../log/chain.ts'
import { LogTrimmed } from '../log/corrupt-entry.ts'
import type { Log } from '../log/log.ts'
import { contradictedBy } from '../log/quarantine.ts'
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import type { ImageSource, PlacedImage } from '../replica/image-source.ts'
import type { BaseImage } from '../store/base-image.ts'
import { type Snapshot, snapshots } from './catalog.ts'
import type { Manifest } from './documents.ts'
import { migrated } from './migrated.ts'
import { placedImage } from './placed-image.ts'
import { unusableBecause } from './usable.ts'

export interface SnapshotImagesOptions {
  objects: ObjectReads
  log: Log
  base: BaseImage
  logger: Logger
  /** Hears how far an image has been loaded. */
  onPart?: (manifest: Manifest, doneBytes: number) => void
}

/**
 * The verified snapshots of a store as images, the newest first; says why one is passed over. Trouble with the object
 * store is no reason not to start: then there are no snapshots, and the log alone leads on.
 *
 * Throws `log_corrupt` when the log ends before a snapshot does: what was durable once is gone, and a store that started
 * all the same would deny it.
 */
export function snapshotImages(options: SnapshotImagesOptions): ImageSource {
  const { objects, log, logger } = options
  return {
    async *images(upTo) {
      try {
        for await (const snapshot of snapshots(objects, log.storeId)) {
          if (snapshot.lsn > upTo) continue
          const image = await imageOf(snapshot, options)
          if (image !== undefined) yield image
        }
      } catch (error) {
        if (isBorealError(error, 'log_corrupt', 'log_unavailable')) throw error
        logger.warn('snapshots cannot be read', { error: messageOf(error) })
      }
    },
  }
}

/** The image of a snapshot, if a store may start from it. */
async function imageOf(snapshot: Snapshot, options: SnapshotImagesOptions): Promise<PlacedImage | undefined> {
  const { objects, log, base, logger, onPart } = options
  const { id, lsn, state, manifest, why } = snapshot
  const pass = (reason: string, level: 'info' | 'warn' = 'warn') => {
    logger[level]('a snapshot is passed over', { snapshot: id, lsn, reason })
    return undefined
  }
  if (manifest === undefined || state !== 'verified') {
    // One that is still being made is nothing to worry about.
    return pass(why ?? `it is ${state}`, why === undefined ? 'info' : 'warn')
  }
  const unusable =
    unusableBecause(manifest, base) ?? (await strangeToLog({ ...manifest, what: `verified snapshot ${id}` }, log))
  if (unusable !== undefined) return pass(unusable)
  const quarantined = contradictedBy(await log.quarantined(), manifest)
  if (quarantined !== undefined) return pass(`it has log entry ${quarantined.lsn}, which was quarantined later`)
  logger.info('restoring a snapshot', { snapshot: id, lsn, bytes: manifest.image.bytes })
  const image = placedImage(
    objects,
    manifest,
    base,
    onPart === undefined ? undefined : (done) => onPart(manifest, done),
  )
  return { ...image, migrate: (engine) => migrated(engine, { ...manifest, name: image.name }, options) }
}

/**
 * Looks whether the log has, at the place of a snapshot or backup, the entry that it ends with; else says what it has.
 *
 * @throws BorealError `log_corrupt` when the log ends before
 */
export async function strangeToLog(
  { lsn, hash, what }: { lsn: number; hash: string; what: string },
  log: Log,
): Promise<string | undefined> {
  const item = await log.probe(lsn - 1).catch((error: unknown) => {
    if (error instanceof LogTrimmed) return undefined
    throw error
  })
  // What a clone's chain hangs on: that it is what it says is not looked at anywhere else.
  if (item?.codec === 'genesis') verifyItem(item, log.storeId)
  if (item?.hash === hash) return undefined
  // Where the entry itself is damaged or missing, the one behind it still says which it was.
  if ((await log.probe(lsn))?.prev === hash) return undefined
  if (item !== undefined) return 'the log has another entry at its LSN'
  // Trimming deletes entries that lie below a verified snapshot: this one may well be the witness that is left.
  if ((await log.trimmedTo()) >= lsn) return undefined
  throw new BorealError(
    'log_corrupt',
    `the log of store ${log.storeId} ends before LSN ${lsn}, at which the ${what} was taken: ` +
      'entries that were durable are gone. Was the table emptied, or restored from an older copy? Point the node at the ' +
      'right table; if the table is lost: boreal restore --from newest; see "The table is gone" in docs/operations.md.',
  )
}
