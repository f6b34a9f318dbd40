import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import { type FolderContents, folderContents, foldersBelow } from '../objects/folders.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { decodeDocument, type Manifest, manifestSchema, sha256Of, verificationSchema } from '../snapshot/documents.ts'
import { DELETION, lsnOfId, MANIFEST, VERIFICATION } from '../snapshot/names.ts'
import { missingPart } from '../snapshot/stored-parts.ts'
import {
  type BackupDeletion,
  type BackupDocument,
  backupDeletionSchema,
  backupSchema,
  type Drill,
  decodeBackupDocument,
  drillSchema,
} from './documents.ts'
import { BACKUP, backupKey, backupsPrefix, DRILL, dumpPartName, imagePartName, isBackupId } from './names.ts'

export type BackupState =
  /** Everything is there, and its documents are what they should be. */
  | 'complete'
  /** Something is missing or is not what it should be; `why` says what. The rest may still be of use. */
  | 'damaged'
  /** It has no document: somebody is still at it, or was stopped. */
  | 'unfinished'

/** What the object store has of a backup. */
export interface Backup {
  id: string
  storeId: string
  lsn: number
  state: BackupState
  /** What is wrong with it, in words. */
  why?: string
  /** Bytes of all its objects. */
  bytes: number
  /** What it is; absent when that cannot be believed, and then nothing of it can. */
  document?: BackupDocument
  /** Of the image, when that is all there. */
  manifest?: Manifest
  /** Whether all of the dump is there. */
  hasDump: boolean
  /** The last drill; of the backup as it is. */
  drill?: Drill
  /** It was found to be no longer needed, and will be deleted. */
  deletion?: BackupDeletion
}

/** Backups of a store, the newest first. Documents are read as they are asked for; parts are not. */
export async function* backups(objects: ObjectStore, storeId: string): AsyncGenerator<Backup> {
  const folders = await foldersBelow(objects, backupsPrefix(storeId), isBackupId)
  for (const id of [...folders.keys()].sort().reverse()) yield await backupOf(objects, storeId, id, folders.get(id)!)
}

/** One backup; undefined when there is nothing with this id. */
export async function findBackup(objects: ObjectStore, storeId: string, id: string): Promise<Backup | undefined> {
  if (!isBackupId(id)) return undefined
  const contents = await folderContents(objects, backupKey(storeId, id, ''))
  return contents.size === 0 ? undefined : backupOf(objects, storeId, id, contents)
}

/** Whether everything of it is there, and no drill has found otherwise. */
export function isSound({ state, drill }: Backup): boolean {
  return state === 'complete' && drill?.passed !== false
}

/** The newest one that is complete and not on its way out, by its documents. */
export async function newestComplete(objects: ObjectStore, storeId: string): Promise<Backup | undefined> {
  for await (const backup of backups(objects, storeId)) {
    if (backup.state === 'complete' && backup.deletion === undefined) return backup
  }
  return undefined
}

async function backupOf(objects: ObjectStore, storeId: string, id: string, contents: FolderContents): Promise<Backup> {
  const bytes = [...contents.values()].reduce((sum, size) => sum + size, 0)
  const place = { storeId, backupId: id }
  const read = (name: string) => objects.get(backupKey(storeId, id, name))
  const backup: Backup = { id, storeId, lsn: lsnOfId(id)!, state: 'unfinished', bytes, hasDump: false }
  if (contents.has(DELETION)) {
    const mark = await believed(async () =>
      decodeBackupDocument(backupDeletionSchema, DELETION, await read(DELETION), place),
    )
    // A mark that cannot be read is no mark: it is made again when it is due.
    if ('found' in mark) backup.deletion = mark.found
  }
  if (!contents.has(BACKUP)) return backup
  const document = await believed(async () => {
    const text = await read(BACKUP)
    return { text, document: decodeBackupDocument(backupSchema, BACKUP, text, place) }
  })
  if ('why' in document) return { ...backup, ...document }
  const { text, document: found } = document.found
  if (found.lsn !== backup.lsn) return { ...backup, state: 'damaged', why: `its document is of LSN ${found.lsn}` }
  backup.document = found
  const reasons: string[] = []
  const manifest = await believed(() => manifestOf(found, read))
  if ('found' in manifest) {
    const missing = missingPart(manifest.found.image, contents, imagePartName, 'image')
    if (missing === undefined) backup.manifest = manifest.found
    else reasons.push(missing)
  } else reasons.push(manifest.why)
  const missing = missingPart(found.dump, contents, dumpPartName, 'dump')
  if (missing === undefined) backup.hasDump = true
  else reasons.push(missing)
  if (contents.has(DRILL)) {
    const drill = await believed(async () => decodeBackupDocument(drillSchema, DRILL, await read(DRILL), place))
    // A drill that cannot be believed has to be held again; what it was of is as good as before.
    if ('found' in drill && drill.found.backup === sha256Of(text)) backup.drill = drill.found
  }
  if (reasons.length > 0) return { ...backup, state: 'damaged', why: reasons.join('; ') }
  return { ...backup, state: 'complete' }
}

/** The snapshot's documents, as they were when it was copied. */
async function manifestOf(
  { storeId, snapshotId, lsn, digest, ...document }: BackupDocument,
  read: (name: string) => Promise<Uint8Array>,
): Promise<Manifest> {
  const place = { storeId, snapshotId }
  const [text, verification] = [await read(MANIFEST), await read(VERIFICATION)]
  const manifest = decodeDocument(manifestSchema, text, place)
  decodeDocument(verificationSchema, verification, place)
  const isSame = sha256Of(text) === document.manifest && sha256Of(verification) === document.verification
  if (isSame && manifest.lsn === lsn && manifest.digest === digest) return manifest
  throw new BorealError('backup_corrupt', `${MANIFEST} or ${VERIFICATION} is of another backup`)
}

/** What was read, or why it cannot be believed: missing or damaged. Trouble with the object store is neither. */
async function believed<T>(read: () => Promise<T>): Promise<{ found: T } | { state: BackupState; why: string }> {
  try {
    return { found: await read() }
  } catch (error) {
    const why = messageOf(error)
    // Deleted in between: then it is not there any more.
    if (isBorealError(error, 'not_found')) return { state: 'unfinished', why }
    if (isBorealError(error, 'backup_corrupt', 'snapshot_corrupt')) return { state: 'damaged', why }
    throw error
  }
}
