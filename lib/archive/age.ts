import type { Log } from '../log/log.ts'
import { missingAge } from '../log/missing-age.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import { chainOf, listSegments } from './segments.ts'

/** Age of the oldest entry that the archive does not have, ms; 0 when it has everything. A gap counts as its end. */
export async function archiveAge(log: Log, objects: ObjectReads): Promise<number> {
  const { gaps, end } = chainOf(await listSegments(objects, log.storeId))
  const last = gaps[0] === undefined ? end?.to : gaps[0].from - 1
  return missingAge(log, last ?? (await log.genesis()).lsn)
}
