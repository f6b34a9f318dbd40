import { dumpStore } from '../dump/write-dump.ts'
import { LOG_FORMAT } from '../log/event-log.ts'
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import { encodeDocument, sha256Of } from '../objects/checked-document.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { openStore } from '../replica/image-source.ts'
import { newestVerified, type Snapshot, snapshots } from '../snapshot/catalog.ts'
import type { Manifest, PartCodec, StoredParts } from '../snapshot/documents.ts'
import { imagePartsAt, imagePlace } from '../snapshot/image-object.ts'
import { MANIFEST, snapshotId, snapshotKey, VERIFICATION } from '../snapshot/names.ts'
import { copyParts, type PartsPlace, writeParts } from '../snapshot/stored-parts.ts'
import { type SnapshotContext, takeSnapshot } from '../snapshot/take.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import { verifySnapshot } from '../snapshot/verify.ts'
import { PgliteEngine } from '../store/engine.ts'
import { IMAGE_PART_BYTES } from '../store/image-parts.ts'
import { backups, isSound } from './catalog.ts'
import { BACKUP_FORMAT, type BackupDocument, backupSchema } from './documents.ts'
import { BACKUP, backupKey, dumpPartName, imagePartName } from './names.ts'

export interface BackupContext extends SnapshotContext {
  /** Where backups are: another bucket, or the one of the objects. */
  backups: ObjectStore
}

export interface BackupOutcome {
  /** False when there was nothing to do. */
  made: boolean
  backupId: string | undefined
  lsn: number
  /** In words, when nothing was made, or when it is older than it should be. */
  reason?: string
}

/** Dumps are text: they pack to a fifth. */
const DUMP_CODEC: PartCodec = 'deflate'

/**
 * Makes a backup: takes a snapshot if the log has anything new, copies it, part by part and each checked, into the place
 * of the backups, restores the copy, and writes what it holds as SQL beside it. All in stores of its own, one at a time.
 *
 * Nothing it leaves when it is stopped can be mistaken for a backup: until its document is there, and that comes last, the
 * rest means nothing. Several at once write to folders of their own.
 *
 * @throws BorealError `not_ready` when there is no verified snapshot and none can be made; and what the log and the object
 *   stores fail with
 */
export async function takeBackup(context: BackupContext): Promise<BackupOutcome> {
  const { log, logger, runtime } = context
  const startedAt = runtime.monotonic()
  const { snapshot, reason } = await newestSnapshot(context)
  if (snapshot === undefined) return { made: false, backupId: undefined, lsn: 0, reason: 'the log has no entries yet' }
  const { lsn } = snapshot
  const before = await sameBackup(context, snapshot.manifest!)
  if (before !== undefined) {
    return {
      made: false,
      backupId: before,
      lsn,
      reason: reason ?? `the newest backup has everything, up to LSN ${lsn}`,
    }
  }
  const { backupId, dump } = await writeBackup(context, snapshot.manifest!).catch(async (error: unknown) => {
    if (!isBorealError(error, 'snapshot_corrupt')) throw error
    logger.warn('a snapshot cannot be backed up, taking another one', { error: messageOf(error) })
    await takeSnapshot(context, { check: true })
    return writeBackup(context, (await newestVerified(context.objects, log.storeId))!.manifest!)
  })
  const seconds = Math.round((runtime.monotonic() - startedAt) / 1_000)
  logger.info('made a backup', { backup: backupId, lsn, dumpBytes: dump.storedBytes, seconds })
  return { made: true, backupId, lsn, ...(reason === undefined ? {} : { reason }) }
}

/**
 * A verified snapshot of the newest state. When none can be taken, the newest one that there is, and why it is not newer: an
 * old backup beats none.
 */
async function newestSnapshot(context: BackupContext): Promise<{ snapshot: Snapshot | undefined; reason?: string }> {
  const { objects, log, logger } = context
  try {
    const taken = await takeSnapshot(context)
    if (taken.snapshotId === undefined) return { snapshot: undefined }
    return { snapshot: await newestVerified(objects, log.storeId) }
  } catch (error) {
    if (isBorealError(error, 'log_corrupt')) throw error
    await verifyNewest(context)
    const snapshot = await newestVerified(objects, log.storeId)
    const reason = `no snapshot could be taken: ${messageOf(error)}`
    if (snapshot === undefined) {
      throw new BorealError('not_ready', `there is nothing to back up: ${reason}`, { cause: error })
    }
    logger.error('the backup will be older than it should be', { snapshot: snapshot.id, lsn: snapshot.lsn, reason })
    return { snapshot, reason: `it is of LSN ${snapshot.lsn}, because ${reason}` }
  }
}

/** The newest snapshot may only wait to be verified by somebody. */
async function verifyNewest(context: BackupContext): Promise<void> {
  const { objects, log, base, logger } = context
  for await (const { id, state, manifest, deletion } of snapshots(objects, log.storeId)) {
    if (state === 'verified') return
    if (state !== 'complete' || deletion !== undefined || unusableBecause(manifest!, base) !== undefined) continue
    try {
      return await verifySnapshot(context, manifest!)
    } catch (error) {
      logger.warn('a snapshot cannot be backed up', { snapshot: id, error: messageOf(error) })
    }
  }
}

/** A backup of the same state that is all there, as far as anybody knows. */
async function sameBackup({ backups: objects, log }: BackupContext, manifest: Manifest): Promise<string | undefined> {
  for await (const backup of backups(objects, log.storeId)) {
    const { id, lsn, document, deletion } = backup
    if (lsn < manifest.lsn) return undefined
    const same = document?.hash === manifest.hash && document.digest === manifest.digest
    if (same && isSound(backup) && deletion === undefined) return id
  }
  return undefined
}

async function writeBackup(context: BackupContext, manifest: Manifest): Promise<BackupDocument> {
  const { log, objects, backups, runtime } = context
  const place = { storeId: log.storeId, backupId: snapshotId(manifest.lsn, runtime.newId()) }
  const { storeId, backupId } = place
  const keyed = (name: (index: number) => string, what: string): PartsPlace => ({
    objects: backups,
    key: (index) => backupKey(storeId, backupId, name(index)),
    what: `the ${what} of backup ${backupId}`,
  })
  const image = keyed(imagePartName, 'image')
  await copyParts(imagePlace(objects, manifest), image, manifest.image)
  const dump = await writeDump(context, manifest, image, keyed(dumpPartName, 'dump'))
  const copied = async (name: string) => {
    const bytes = await objects.get(snapshotKey(storeId, manifest.snapshotId, name))
    await backups.put(backupKey(storeId, backupId, name), bytes, { ifAbsent: true })
    return sha256Of(bytes)
  }
  const copies = { manifest: await copied(MANIFEST), verification: await copied(VERIFICATION) }
  const { lsn, hash, entryTime, schemaVersion, schemaChecksum, logFormat, rows, digest } = manifest
  const { document, bytes } = encodeDocument(backupSchema, {
    format: BACKUP_FORMAT,
    ...place,
    ...{ lsn, hash, entryTime, schemaVersion, schemaChecksum, logFormat, rows, digest, dump },
    snapshotId: manifest.snapshotId,
    ...copies,
    takenAt: Math.round(log.now()),
    takenBy: log.writer,
  })
  await backups.put(backupKey(storeId, backupId, BACKUP), bytes, { ifAbsent: true })
  return document
}

/** Restores the copy and writes what it holds as SQL. */
async function writeDump(
  { base, boot = PgliteEngine.bootImage }: BackupContext,
  manifest: Manifest,
  copy: PartsPlace,
  to: PartsPlace,
): Promise<StoredParts> {
  const { storeId, lsn, hash, entryTime, digest, schemaVersion, schemaChecksum } = manifest
  const parts = imagePartsAt(copy, manifest.image)
  const image = { name: copy.what, mark: { lsn, hash, time: entryTime }, parts, wasm: base.wasm }
  const store = await openStore(await boot(image), image)
  try {
    const of = { storeId, schemaVersion, schemaChecksum, logFormat: LOG_FORMAT, digest }
    return await writeParts(to, inParts(dumpStore(store.engine, of)), DUMP_CODEC)
  } finally {
    await store.engine.kill()
  }
}

/** Chunks put together to parts: objects that are not too many. */
async function* inParts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    waiting.push(chunk)
    bytes += chunk.byteLength
    if (bytes < IMAGE_PART_BYTES) continue
    yield Buffer.concat(waiting)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}
