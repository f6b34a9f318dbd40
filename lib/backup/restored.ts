import { loadDump } from '../dump/load-dump.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { openStore, type PlacedImage } from '../replica/image-source.ts'
import type { Manifest } from '../snapshot/documents.ts'
import { imagePartsAt } from '../snapshot/image-object.ts'
import { readParts } from '../snapshot/stored-parts.ts'
import type { BaseImage } from '../store/base-image.ts'
import { type Engine, PgliteEngine } from '../store/engine.ts'
import type { StoreImage } from '../store/image-parts.ts'
import { statement } from '../store/statement.ts'
import type { Store } from '../store/store.ts'
import type { BackupDocument } from './documents.ts'
import { backupKey, dumpPartName, imagePartName } from './names.ts'

/** What backups are restored with. */
export interface RestoreContext {
  backups: ObjectStore
  base: BaseImage
  /** Boots engines. Default: in the thread that calls. */
  boot?: ((image: StoreImage) => Promise<Engine>) | undefined
}

/** The image of a backup, with its place in the log. */
export function backupImage(
  { backups, base }: RestoreContext,
  { storeId, backupId, ...document }: BackupDocument,
  manifest: Manifest,
): PlacedImage {
  const place = {
    objects: backups,
    key: (index: number) => backupKey(storeId, backupId, imagePartName(index)),
    what: `the image of backup ${backupId}`,
  }
  return {
    name: `backup ${backupId}`,
    mark: markOf(document),
    parts: imagePartsAt(place, manifest.image),
    wasm: base.wasm,
  }
}

/** A store of what the dump of a backup holds. @throws BorealError `backup_corrupt` when it is damaged */
export async function storeOfDump(context: RestoreContext, document: BackupDocument): Promise<Store> {
  const { backups, base, boot = PgliteEngine.bootImage } = context
  const { storeId, backupId, digest } = document
  const place = {
    objects: backups,
    key: (index: number) => backupKey(storeId, backupId, dumpPartName(index)),
    what: `the dump of backup ${backupId}`,
  }
  const engine = await boot(base)
  try {
    const header = await loadDump(engine, readParts(place, document.dump))
    if (header.storeId !== storeId || header.digest !== digest) {
      throw new BorealError('backup_corrupt', `${place.what} is of another backup`)
    }
    // As in a snapshot: without it dead rows would never be found, and queries would have no statistics.
    await engine.run([statement('vacuum (analyze)')])
  } catch (error) {
    await engine.kill()
    throw error
  }
  return openStore(engine, { name: place.what, mark: markOf(document), parts: base.parts, wasm: base.wasm })
}

/** Why this build cannot load a dump, in words; undefined when it can. */
export function unloadableBecause(document: BackupDocument, base: BaseImage): string | undefined {
  const { schemaVersion, schemaChecksum } = document
  if (schemaVersion !== base.schemaVersion) {
    return `it has schema ${schemaVersion}, this build has ${base.schemaVersion}`
  }
  return schemaChecksum === base.schemaChecksum ? undefined : `its schema ${schemaVersion} was made by other migrations`
}

function markOf({ lsn, hash, entryTime }: Pick<BackupDocument, 'lsn' | 'hash' | 'entryTime'>) {
  return { lsn, hash, time: entryTime }
}
