import type { Log } from '../log/log.ts'
import { missingAge } from '../log/missing-age.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { newestVerified } from './catalog.ts'

/** Age of the oldest entry that no verified snapshot has, ms; 0 when the newest one has everything. */
export async function snapshotAge(log: Log, objects: ObjectStore): Promise<number> {
  const newest = await newestVerified(objects, log.storeId)
  return missingAge(log, newest?.lsn ?? (await log.genesis()).lsn)
}
