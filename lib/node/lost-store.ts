import { BorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { newestVerified } from '../snapshot/catalog.ts'
import { storeIds } from '../snapshot/store-ids.ts'

/**
 * Looks, before a new store is created, for one whose table is gone: the objects hold snapshots of it, and the table does
 * not know it. A node that began anew would show a scheduler an empty cluster, and it would start everything again.
 *
 * @throws BorealError `not_ready` with the store that is missing, and what to do
 */
export async function assertNothingLost(
  objects: ObjectStore,
  name: string,
  isInTable: (storeId: string) => Promise<boolean>,
): Promise<void> {
  for await (const storeId of storeIds(objects)) {
    const newest = await newestVerified(objects, storeId)
    if (newest === undefined || (await isInTable(storeId))) continue
    throw new BorealError(
      'not_ready',
      `the table has no store ${JSON.stringify(name)}, but the objects hold snapshots of store ${storeId}, up to LSN ` +
        `${newest.lsn}, which is not in this table either. Was the table lost, or is this another one? Point the node at ` +
        `the table of that store. If it is lost: boreal restore --from newest --name ${name}, which shows first what it ` +
        'would do. To begin a new, empty store beside its objects, start once with --new-store.',
    )
  }
}
