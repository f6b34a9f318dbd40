import type { Log } from '../log/log.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { newestVerified } from './catalog.ts'

/**
 * Age of the oldest entry that no verified snapshot has, ms; 0 when the newest one has everything. So a store that nobody
 * writes to does not look as if its snapshots had stopped.
 */
export async function snapshotAge(log: Log, objects: ObjectStore): Promise<number> {
  const newest = await newestVerified(objects, log.storeId)
  const from = newest?.lsn ?? (await log.genesis()).lsn
  const first = await log.entry(from + 1)
  return first === undefined ? 0 : Math.max(0, log.now() - first.time)
}
