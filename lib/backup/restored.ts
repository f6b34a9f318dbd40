import { clearEngine, type OpenedDump, openDump } from '../dump/load-dump.ts'
import { restoreDump } from '../migrate/restore-dump.ts'
import { BorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { openStore, type PlacedImage } from '../replica/image-source.ts'
import type { Manifest } from '../snapshot/documents.ts'
import { imagePartsAt } from '../snapshot/image-object.ts'
import { migrated } from '../snapshot/migrated.ts'
import { readParts } from '../snapshot/stored-parts.ts'
import { strangeLogFormat, strangeSchema } from '../snapshot/usable.ts'
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
  logger: Logger
  /** Boots engines. Default: in the thread that calls. */
  boot?: ((image: StoreImage) => Promise<Engine>) | undefined
}

/** The image of a backup, with its place in the log. It is migrated when it has another schema. */
export function backupImage(
  { backups, base, logger }: RestoreContext,
  { storeId, backupId, ...document }: BackupDocument,
  manifest: Manifest,
): PlacedImage {
  const place = {
    objects: backups,
    key: (index: number) => backupKey(storeId, backupId, imagePartName(index)),
    what: `the image of backup ${backupId}`,
  }
  const name = `backup ${backupId}`
  return {
    name,
    migrate: (engine) => migrated(engine, { ...manifest, name }, { base, logger }),
    mark: markOf(document),
    parts: imagePartsAt(place, manifest.image),
    wasm: base.wasm,
  }
}

/**
 * A store of what the dump of a backup holds, by default as this build has it.
 *
 * @param asItWas leaves it at the schema of the dump
 * @throws BorealError `backup_corrupt` when it is damaged, `migration_failed`
 */
export async function storeOfDump(
  context: RestoreContext,
  document: BackupDocument,
  { asItWas = false }: { asItWas?: boolean } = {},
): Promise<Store> {
  const { backups, base, boot = PgliteEngine.bootImage } = context
  const { storeId, backupId, digest } = document
  const place = {
    objects: backups,
    key: (index: number) => backupKey(storeId, backupId, dumpPartName(index)),
    what: `the dump of backup ${backupId}`,
  }
  const engine = await boot(base)
  try {
    const dump = await openDump(readParts(place, document.dump))
    if (dump.header.storeId !== storeId || dump.header.digest !== digest) {
      throw new BorealError('backup_corrupt', `${place.what} is of another backup`)
    }
    await clearEngine(engine)
    if (asItWas) await loadBoth(engine, dump)
    else await restoreDump(engine, dump, base.migrations)
    // As in a snapshot: without it dead rows would never be found, and queries would have no statistics.
    await engine.run([statement('vacuum (analyze)')])
  } catch (error) {
    await engine.kill()
    throw error
  }
  return openStore(engine, { name: place.what, mark: markOf(document), parts: base.parts, wasm: base.wasm })
}

async function loadBoth(engine: Engine, dump: OpenedDump): Promise<void> {
  await dump.loadSchema(engine)
  await dump.loadData(engine)
}

/** Why this build cannot load a dump, in words; undefined when it can, if need be by migrating it. */
export function unloadableBecause(document: BackupDocument, base: BaseImage): string | undefined {
  const { logFormat } = document
  return strangeSchema(document, base) ?? strangeLogFormat(logFormat)
}

function markOf({ lsn, hash, entryTime }: Pick<BackupDocument, 'lsn' | 'hash' | 'entryTime'>) {
  return { lsn, hash, time: entryTime }
}
