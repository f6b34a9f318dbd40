import { chainOf, listSegments } from '../archive/segments.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import { newestVerified } from '../snapshot/catalog.ts'
import { storeIds } from '../snapshot/store-ids.ts'

/**
 * Looks, before a new store is created, for one whose table is gone: the objects hold snapshots of it or its archive, and the
 * table does not know it; likewise in the place of backups (`areBackups`: as snapshots). A node that began anew would show a scheduler an empty cluster, and it would start everything again.
 *
 * @throws BorealError `not_ready` with the store that is missing, and what to do
 */
export async function assertNothingLost(
  objects: ObjectReads,
  name: string,
  isInTable: (storeId: string) => Promise<boolean>,
  { areBackups = false }: { areBackups?: boolean } = {},
): Promise<void> {
  const what = areBackups ? 'the place of backups holds some' : 'the objects hold snapshots'
  const from = areBackups ? 'newest --from-backups' : 'newest'
  for await (const storeId of storeIds(objects)) {
    const lsn = await lastHeld(objects, storeId)
    if (lsn === 0 || (await isInTable(storeId))) continue
    throw new BorealError(
      'not_ready',
      `the table has no store ${JSON.stringify(name)}, but ${what} of store ${storeId}, or its archive, up to ` +
        `LSN ${lsn}, which is not in this table either. Was the table lost, or is this another one? Point the node at ` +
        `the table of that store. If it is lost: boreal restore --from ${from} --name ${name}, which shows first what it ` +
        'would do. To begin a new, empty store beside its objects, start once with --new-store.',
    )
  }
}

/** The last entry of a store that a verified snapshot or the archive has; 0 when there is none. */
async function lastHeld(objects: ObjectReads, storeId: string): Promise<number> {
  const snapshot = await newestVerified(objects, storeId)
  const { end } = chainOf(await listSegments(objects, storeId))
  return Math.max(snapshot?.lsn ?? 0, end?.to ?? 0)
}
