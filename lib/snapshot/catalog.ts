import { isBorealError, messageOf } from '../model/errors.ts'
import { type FolderContents, folderContents, foldersBelow } from '../objects/folders.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import {
  type Deletion,
  decodeDocument,
  deletionSchema,
  type Manifest,
  manifestSchema,
  sha256Of,
  type Verification,
  verificationSchema,
} from './documents.ts'
import { DELETION, lsnOfId, MANIFEST, partName, snapshotKey, snapshotsPrefix, VERIFICATION } from './names.ts'
import { missingPart } from './stored-parts.ts'

export type SnapshotState =
  /** It was restored and found to be what its manifest says: stores start from it. */
  | 'verified'
  /** It is all there, but nobody has restored it yet. */
  | 'complete'
  /** Something is missing or is not what it should be; `why` says what. */
  | 'damaged'
  /** It has no manifest: somebody is still at it, or was stopped. */
  | 'unfinished'

/** What the object store has of a snapshot. */
export interface Snapshot {
  id: string
  storeId: string
  lsn: number
  state: SnapshotState
  /** What is wrong with it, in words. */
  why?: string
  /** Bytes of all its objects. */
  bytes: number
  manifest?: Manifest
  verification?: Verification
  /** It was found to be no longer needed, and will be deleted. */
  deletion?: Deletion
}

/** Snapshots of a store, the newest first. Documents are read as they are asked for; parts of images are not. */
export async function* snapshots(objects: ObjectReads, storeId: string): AsyncGenerator<Snapshot> {
  const folders = await foldersBelow(objects, snapshotsPrefix(storeId), (name) => lsnOfId(name) !== undefined)
  for (const id of [...folders.keys()].sort().reverse()) yield await snapshotOf(objects, storeId, id, folders.get(id)!)
}

/** One snapshot; undefined when there is nothing with this id. */
export async function findSnapshot(objects: ObjectReads, storeId: string, id: string): Promise<Snapshot | undefined> {
  if (lsnOfId(id) === undefined) return undefined
  const contents = await folderContents(objects, snapshotKey(storeId, id, ''))
  return contents.size === 0 ? undefined : snapshotOf(objects, storeId, id, contents)
}

/** The newest verified snapshot that is not on its way out, by its documents, and that nothing else speaks against. */
export async function newestVerified(
  objects: ObjectReads,
  storeId: string,
  isUsable: (manifest: Manifest) => boolean = () => true,
): Promise<Snapshot | undefined> {
  for await (const snapshot of snapshots(objects, storeId)) {
    const { state, deletion, manifest } = snapshot
    if (state === 'verified' && deletion === undefined && isUsable(manifest!)) return snapshot
  }
  return undefined
}

async function snapshotOf(
  objects: ObjectReads,
  storeId: string,
  id: string,
  contents: FolderContents,
): Promise<Snapshot> {
  const lsn = lsnOfId(id)!
  const bytes = [...contents.values()].reduce((sum, size) => sum + size, 0)
  const place = { storeId, snapshotId: id }
  const read = (name: string) => objects.get(snapshotKey(storeId, id, name))
  const snapshot: Snapshot = { id, storeId, lsn, state: 'unfinished', bytes }
  try {
    if (contents.has(DELETION)) snapshot.deletion = decodeDocument(deletionSchema, await read(DELETION), place)
  } catch {
    // A mark that cannot be read is no mark: it is made again when it is due.
  }
  if (!contents.has(MANIFEST)) return snapshot
  try {
    const text = await read(MANIFEST)
    const manifest = decodeDocument(manifestSchema, text, place)
    Object.assign(snapshot, { manifest, ...stateOf(manifest, lsn, contents) })
    if (snapshot.state === 'damaged' || !contents.has(VERIFICATION)) return snapshot
    const verification = decodeDocument(verificationSchema, await read(VERIFICATION), place)
    const isOfManifest = verification.manifest === sha256Of(text) && verification.digest === manifest.digest
    if (!isOfManifest) return { ...snapshot, why: `${VERIFICATION} is of another manifest` }
    return { ...snapshot, state: 'verified', verification }
  } catch (error) {
    // Deleted in between: then it is not there any more, and nobody must start from it.
    if (isBorealError(error, 'not_found')) return { ...snapshot, state: 'unfinished', why: messageOf(error) }
    if (!isBorealError(error, 'snapshot_corrupt')) throw error
    // A verification that cannot be believed leaves a snapshot that has to be verified again.
    return { ...snapshot, state: snapshot.manifest === undefined ? 'damaged' : snapshot.state, why: messageOf(error) }
  }
}

function stateOf(manifest: Manifest, lsn: number, contents: FolderContents): Pick<Snapshot, 'state' | 'why'> {
  if (manifest.lsn !== lsn) return { state: 'damaged', why: `its manifest is of LSN ${manifest.lsn}` }
  const why = missingPart(manifest.image, contents, partName, 'image')
  return why === undefined ? { state: 'complete' } : { state: 'damaged', why }
}
