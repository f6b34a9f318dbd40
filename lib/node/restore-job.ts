import { archivedEntriesAfter } from '../archive/archived-entries-after.ts'
import { ArchivedLog } from '../archive/archived-log.ts'
import { type Restored, restoreStore } from '../clone/restore.ts'
import { LOG_WORDS, planRestore, type RestorePlan, type RestoreRequest } from '../clone/restore-plan.ts'
import type { LogMark } from '../log/chain.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { prefixedObjects } from '../objects/prefixed-objects.ts'
import { loadBaseImage } from '../store/base-image.ts'
import type { Storage } from './config.ts'
import { type LogAddress, objectsAt, openStores } from './open-log.ts'

export interface RestoreJob extends Omit<RestoreRequest, 'source'> {
  storage: Storage
  /** Where the snapshots are, if not with the objects of the storage; everything there below a prefix, if one is named. */
  source?: { place: LogAddress['objects']; prefix: string | undefined } | undefined
}

/** Restores a store on what the configuration names; without `confirm` it only says what it would do. */
export async function restoreOnce(
  { storage, source, ...request }: RestoreJob,
  { runtime, logger, confirm }: { runtime: Runtime; logger: Logger; confirm: boolean },
): Promise<{ plan: RestorePlan; restored: Restored | undefined }> {
  const base = await loadBaseImage()
  const { stores, objects, close } = await openStores(storage, { runtime, logger })
  try {
    const context = { stores, objects, base, runtime, logger }
    const plan = await planRestore(context, { ...request, source: source && sourceAt(source) })
    if (!confirm) return { plan, restored: undefined }
    const archived = new ArchivedLog({ objects, storeId: plan.lostId, logger })
    const archive = (mark: LogMark) => archivedEntriesAfter(archived, plan.lostId, mark)
    return { plan, restored: await restoreStore(context, plan, { archive }) }
  } finally {
    await close()
  }
}

function sourceAt({ place, prefix }: NonNullable<RestoreJob['source']>) {
  const objects = objectsAt(place)
  if (prefix === undefined || prefix === '') return objects
  return prefixedObjects(objects, prefix.endsWith('/') ? prefix : `${prefix}/`)
}

export { LOG_WORDS }
