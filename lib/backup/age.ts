import type { Log } from '../log/log.ts'
import { missingAge } from '../log/missing-age.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { backups, newestComplete } from './catalog.ts'

/** Age of the oldest entry that no complete backup has, ms; 0 when the newest one has everything. */
export async function backupAge(log: Log, objects: ObjectStore): Promise<number> {
  const newest = await newestComplete(objects, log.storeId)
  return missingAge(log, newest?.lsn ?? (await log.genesis()).lsn)
}

/** Ms since a backup was last restored and was what it should be; undefined when none ever was. */
export async function restoreAge(log: Log, objects: ObjectStore): Promise<number | undefined> {
  const passed: number[] = []
  for await (const { drill } of backups(objects, log.storeId)) if (drill?.passed) passed.push(drill.drilledAt)
  return passed.length === 0 ? undefined : Math.max(0, log.now() - Math.max(...passed))
}
