import type { ObjectReads } from '../objects/object-store.ts'

/** Store ids are ULIDs; every key starts with one. */
const STORE_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/

/** Ids of the stores that have objects: the first part of every key, with one request each. */
export async function* storeIds(objects: ObjectReads): AsyncGenerator<string> {
  for (let after = ''; ; ) {
    const [first] = (await objects.list('', { limit: 1, ...(after === '' ? {} : { after }) })).objects
    if (first === undefined) return
    const storeId = first.key.split('/')[0]!
    if (STORE_ID.test(storeId)) yield storeId
    // The character behind the slash: beyond all keys of this one.
    after = `${storeId}0`
  }
}
