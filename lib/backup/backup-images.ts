import type { Log } from '../log/log.ts'
import { contradictedBy } from '../log/quarantine.ts'
import { isBorealError, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { ImageSource, PlacedImage } from '../replica/image-source.ts'
import { strangeToLog } from '../snapshot/snapshot-images.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import { inSharedMemory, partsInMemory } from '../store/image-parts.ts'
import { type Backup, backups } from './catalog.ts'
import type { BackupDocument } from './documents.ts'
import { backupImage, type RestoreContext, storeOfDump, unloadableBecause } from './restored.ts'

export interface BackupImagesOptions extends RestoreContext {
  log: Log
  logger: Logger
}

/**
 * The backups of a store as images, for when no snapshot can be used: the newest first, each as its image and then, for
 * when that cannot be used either, as an image of what its dump gives. Says why one is passed over. Trouble with the object
 * store is no reason not to start: then there are no backups.
 *
 * Throws `log_corrupt` when the log ends before a backup does, as `snapshotImages` does.
 */
export function backupImages(options: BackupImagesOptions): ImageSource {
  const { backups: objects, log, logger } = options
  return {
    async *images(upTo) {
      try {
        for await (const backup of backups(objects, log.storeId)) {
          if (backup.lsn <= upTo) yield* imagesOf(backup, options)
        }
      } catch (error) {
        if (isBorealError(error, 'log_corrupt', 'log_unavailable')) throw error
        logger.warn('backups cannot be read', { error: messageOf(error) })
      }
    },
  }
}

async function* imagesOf(backup: Backup, options: BackupImagesOptions): AsyncGenerator<PlacedImage> {
  const { log, base, logger } = options
  const { id, lsn, state, document, manifest, why } = backup
  const pass = (what: string, reason: string, level: 'info' | 'warn' = 'warn') =>
    logger[level](`${what} is passed over`, { backup: id, lsn, reason })
  if (document === undefined) return pass('a backup', why ?? `it is ${state}`, why === undefined ? 'info' : 'warn')
  const strange = await strangeToLog({ ...document, what: `backup ${id}` }, log)
  if (strange !== undefined) return pass('a backup', strange)
  const takenAt = manifest?.takenAt ?? document.entryTime
  const quarantined = contradictedBy(await log.quarantined(), { lsn, takenAt })
  if (quarantined !== undefined)
    return pass('a backup', `it has log entry ${quarantined.lsn}, which was quarantined later`)

  const imageReason = manifest === undefined ? why! : unusableBecause(manifest, base)
  if (imageReason !== undefined) pass('the image of a backup', imageReason)
  else {
    logger.warn('no snapshot can be used: restoring a backup', { backup: id, lsn })
    yield backupImage(options, document, manifest!)
  }

  const dumpReason = backup.hasDump ? unloadableBecause(document, base) : why!
  if (dumpReason !== undefined) return pass('the dump of a backup', dumpReason)
  logger.warn('no snapshot can be used: loading the dump of a backup', { backup: id, lsn })
  const image = await imageOfDump(options, document).catch((error: unknown) =>
    pass('the dump of a backup', messageOf(error)),
  )
  if (image !== undefined) yield image
}

/** All stores of a node boot from the same image: the dump is loaded once, and the image kept while it is needed. */
async function imageOfDump(options: BackupImagesOptions, document: BackupDocument): Promise<PlacedImage> {
  const store = await storeOfDump(options, document)
  try {
    const parts: Uint8Array[] = []
    for await (const part of store.engine.image()) parts.push(inSharedMemory(part))
    const { mark } = store
    return {
      name: `the dump of backup ${document.backupId}`,
      mark,
      parts: partsInMemory(...parts),
      wasm: options.base.wasm,
    }
  } finally {
    await store.engine.kill()
  }
}
