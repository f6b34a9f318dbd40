import type { BackupDocument } from '../backup/documents.ts'
import { storeOfDump } from '../backup/restored.ts'
import { BorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { CopyContext, CopyTarget } from '../snapshot/copy.ts'
import { contentsOf } from '../snapshot/describe.ts'
import type { Manifest } from '../snapshot/documents.ts'
import { imageParts } from '../snapshot/image-object.ts'
import { noteVerified } from '../snapshot/verify.ts'
import { writeImage } from '../snapshot/write.ts'

/**
 * Loads the dump of a backup of one store, and makes of it the verified snapshot with which another one begins that goes on
 * behind it: as `copySnapshot` does with an image.
 *
 * @throws BorealError `backup_corrupt` when it is damaged, or does not hold what its document says; `migration_failed`
 */
export async function imageFromDump(
  context: CopyContext & { logger: Logger },
  { backups, document }: { backups: ObjectStore; document: BackupDocument },
  { storeId, hash }: CopyTarget,
): Promise<Manifest> {
  const { objects, base, boot, logger, newId, log } = context
  const store = await storeOfDump({ backups, base, logger, boot }, document)
  try {
    const contents = await contentsOf(store, base.schemaVersion)
    // Of another schema the digest is another one.
    if (document.schemaVersion === base.schemaVersion && contents.digest !== document.digest) {
      const what = `the dump of backup ${document.backupId}`
      throw new BorealError('backup_corrupt', `${what} gives the digest ${contents.digest}, not ${document.digest}`)
    }
    const origin = { storeId: document.storeId, snapshotId: document.snapshotId, hash: document.hash }
    const mark = { lsn: document.lsn, hash, time: document.entryTime }
    const manifest = await writeImage({ objects, base, newId, log }, store, { storeId, mark, contents, origin })
    await imageParts(objects, manifest).check()
    await noteVerified(context, manifest, 'copy')
    return manifest
  } finally {
    await store.engine.kill()
  }
}
