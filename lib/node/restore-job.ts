import { existsSync } from 'node:fs'
import { archivedEntriesAfter } from '../archive/archived-entries-after.ts'
import { ArchivedLog } from '../archive/archived-log.ts'
import { type Restored, restoreStore } from '../clone/restore.ts'
import { LOG_WORDS, planRestore, type RestorePlan, type RestoreRequest } from '../clone/restore-plan.ts'
import type { LogMark } from '../log/chain.ts'
import { BorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { prefixedObjects } from '../objects/prefixed-objects.ts'
import { loadBaseImage } from '../store/base-image.ts'
import type { ObjectsPlace, Storage } from './config.ts'
import { backupsPlace, objectsAt, objectsPlace, openStores } from './open-log.ts'

/** A place of snapshots, or of backups: with `backups` alone, that of the storage. */
export interface RestoreSource {
  place?: ObjectsPlace | undefined
  prefix?: string | undefined
  backups?: boolean | undefined
}

export interface RestoreJob extends Omit<RestoreRequest, 'source'> {
  storage: Storage
  /** Where the snapshots are, if not with the objects of the storage; everything there below a prefix, if one is named. */
  source?: RestoreSource | undefined
}

/**
 * Restores a store on what the configuration names; without `confirm` it only says what it would do.
 *
 * @throws BorealError `not_found` when there is nothing to restore from; then nothing was made either
 */
export async function restoreOnce(
  { storage, source, ...request }: RestoreJob,
  { runtime, logger, confirm }: { runtime: Runtime; logger: Logger; confirm: boolean },
): Promise<{ plan: RestorePlan; restored: Restored | undefined }> {
  assertThere(placeOf(source, storage))
  const base = await loadBaseImage()
  const { stores, objects, close } = await openStores(storage, { runtime, logger })
  try {
    const context = { stores, objects, base, runtime, logger }
    const plan = await planRestore(context, { ...request, source: source && sourceAt(source, storage) })
    if (!confirm) return { plan, restored: undefined }
    const archived = new ArchivedLog({ objects, storeId: plan.lostId, logger })
    const archive = (mark: LogMark) => archivedEntriesAfter(archived, plan.lostId, mark)
    return { plan, restored: await restoreStore(context, plan, { archive }) }
  } finally {
    await close()
  }
}

/** Opening the table makes its folder: one that was mistyped would be there afterwards, with an empty table. */
function assertThere(place: ObjectsPlace): void {
  if (!('folder' in place) || existsSync(place.folder)) return
  throw new BorealError(
    'not_found',
    `there is no folder ${place.folder} to restore from: name the right --data, or where the snapshots or backups are with ` +
      '--from-objects or --from-bucket; --from-backups takes backups instead of snapshots',
  )
}

/** Where to look for what is restored. */
function placeOf(source: RestoreSource | undefined, storage: Storage): ObjectsPlace {
  return source === undefined ? objectsPlace(storage) : (source.place ?? backupsPlace(storage))
}

function sourceAt(source: RestoreSource, storage: Storage) {
  const { prefix = '', backups = false } = source
  const all = objectsAt(placeOf(source, storage))
  const objects = prefix === '' ? all : prefixedObjects(all, prefix.endsWith('/') ? prefix : `${prefix}/`)
  return { objects, areBackups: backups }
}

export { LOG_WORDS }
