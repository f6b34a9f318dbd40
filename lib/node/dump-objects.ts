import { dumpStore } from '../dump/write-dump.ts'
import { LOG_FORMAT } from '../log/event-log.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { openStore } from '../replica/image-source.ts'
import { findSnapshot, newestVerified, type Snapshot } from '../snapshot/catalog.ts'
import { imageParts } from '../snapshot/image-object.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import { loadBaseImage } from '../store/base-image.ts'
import { PgliteEngine } from '../store/engine.ts'
import type { Storage } from './config.ts'
import { storeIds } from './lost-store.ts'
import { objectsAt, objectsPlace } from './open-log.ts'

export interface DumpRequest {
  /** Which store, when the objects hold several. */
  storeId?: string | undefined
  /** Which snapshot; default the newest verified one. */
  snapshotId?: string | undefined
}

/**
 * A verified snapshot as SQL, from the objects alone: log and nodes are not asked, so it works while they run and when
 * they are gone. Hears which snapshot it is before the first chunk.
 *
 * @throws BorealError `not_found`, `invalid_field` when it is not clear which store is meant, `snapshot_corrupt`
 */
export async function* dumpObjects(
  storage: Storage,
  request: DumpRequest,
  onSnapshot: (snapshot: Snapshot) => void,
): AsyncGenerator<Uint8Array> {
  const objects = objectsAt(objectsPlace(storage))
  const storeId = request.storeId ?? (await onlyStore(objects))
  const snapshot = await snapshotOf(objects, storeId, request.snapshotId)
  const manifest = snapshot.manifest!
  const base = await loadBaseImage()
  const reason = unusableBecause(manifest, base)
  if (reason !== undefined) {
    throw new BorealError('not_available', `snapshot ${snapshot.id} cannot be dumped by this build: ${reason}`)
  }
  onSnapshot(snapshot)
  const { lsn, hash, entryTime, schemaVersion, schemaChecksum, digest } = manifest
  const parts = imageParts(objects, manifest)
  const image = { name: `snapshot ${snapshot.id}`, mark: { lsn, hash, time: entryTime }, parts, wasm: base.wasm }
  const store = await openStore(await PgliteEngine.bootImage(image), image)
  try {
    yield* dumpStore(store.engine, { storeId, schemaVersion, schemaChecksum, logFormat: LOG_FORMAT, digest })
  } finally {
    await store.engine.kill()
  }
}

async function onlyStore(objects: ObjectStore): Promise<string> {
  const found: string[] = []
  for await (const storeId of storeIds(objects)) {
    if ((await newestVerified(objects, storeId)) !== undefined) found.push(storeId)
  }
  if (found.length === 1) return found[0]!
  if (found.length === 0) {
    throw new BorealError('not_found', 'the objects hold no verified snapshot of any store; boreal snapshot now')
  }
  throw new BorealError('invalid_field', `the objects hold several stores, name one with --store: ${found.join(', ')}`)
}

async function snapshotOf(objects: ObjectStore, storeId: string, id: string | undefined): Promise<Snapshot> {
  const found = id === undefined ? await newestVerified(objects, storeId) : await findSnapshot(objects, storeId, id)
  if (found?.state === 'verified') return found
  const what = id === undefined ? 'a verified snapshot' : `a verified snapshot ${id}`
  throw new BorealError('not_found', `store ${storeId} does not have ${what}; boreal snapshot list`)
}
