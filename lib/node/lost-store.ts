import { BorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { newestVerified } from '../snapshot/catalog.ts'

/** Store ids are ULIDs; every key starts with one. */
const STORE_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/

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
        'the table of that store; to begin a new, empty store beside its objects, start once with --new-store.',
    )
  }
}

/** The first part of every key, with one request each. */
export async function* storeIds(objects: ObjectStore): AsyncGenerator<string> {
  for (let after = ''; ; ) {
    const [first] = (await objects.list('', { limit: 1, ...(after === '' ? {} : { after }) })).objects
    if (first === undefined) return
    const storeId = first.key.split('/')[0]!
    if (STORE_ID.test(storeId)) yield storeId
    // The character behind the slash: beyond all keys of this one.
    after = `${storeId}0`
  }
}
