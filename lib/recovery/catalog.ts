import { BorealError, isBorealError } from '../model/errors.ts'
import { hashOfKey } from '../model/idempotency-key.ts'
import { encodeDocument, parseDocument } from '../objects/checked-document.ts'
import { objectsBelow } from '../objects/folders.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { type Recovery, recoverySchema } from './descriptor.ts'

/** The descriptors of a store's recoveries: `<storeId>/recoveries/<id>.json`. */

/** What may be the id of a recovery; everything else is looked for in vain. */
const RECOVERY_ID = /^[0-9a-f]{20}$/

const ENDING = '.json'

/** The id that a recovery gets which is staged under an idempotency key: the same again, so there is one. */
export function recoveryIdOf(principal: string, key: string): string {
  return hashOfKey(`recovery ${principal}`, key).slice(0, 20)
}

export interface FoundRecovery {
  recovery: Recovery
  /** For `replaceRecovery`. */
  etag: string
}

/**
 * Writes a descriptor where there is none.
 *
 * @throws BorealError `precondition_failed` when there is one with its id
 */
export async function createRecovery(
  objects: ObjectStore,
  content: Omit<Recovery, 'checksum'>,
): Promise<FoundRecovery> {
  const { document, bytes } = encodeDocument(recoverySchema, content)
  const { etag } = await objects.put(keyOf(content.storeId, content.recoveryId), bytes, { ifAbsent: true })
  return { recovery: document, etag }
}

/**
 * Changes a descriptor.
 *
 * @throws BorealError `precondition_failed` when somebody else has changed it since it was read: read it again
 */
export async function replaceRecovery(
  objects: ObjectStore,
  { recovery, etag }: FoundRecovery,
  changes: Partial<Pick<Recovery, 'state' | 'edits' | 'committed'>>,
): Promise<FoundRecovery> {
  const { document, bytes } = encodeDocument(recoverySchema, { ...recovery, ...changes })
  const put = await objects.put(keyOf(recovery.storeId, recovery.recoveryId), bytes, { ifMatch: etag })
  return { recovery: document, etag: put.etag }
}

/**
 * One recovery.
 *
 * @throws BorealError `not_found`, or `snapshot_corrupt` when the descriptor is damaged
 */
export async function findRecovery(objects: ObjectStore, storeId: string, id: string): Promise<FoundRecovery> {
  if (!RECOVERY_ID.test(id)) throw missing(id)
  const key = keyOf(storeId, id)
  // Before the bytes: if it changes in between, its replacement is refused instead of undoing the change.
  const info = await objects.head(key)
  if (info === undefined) throw missing(id)
  const bytes = await objects.get(key).catch((error: unknown) => {
    throw isBorealError(error, 'not_found') ? missing(id) : error
  })
  return { recovery: decode(bytes, storeId, id), etag: info.etag }
}

/** Every recovery of a store, the newest first, and those whose descriptor cannot be read. */
export async function allRecoveries(
  objects: ObjectStore,
  storeId: string,
): Promise<{ found: Recovery[]; damaged: { id: string; why: string }[] }> {
  const prefix = prefixOf(storeId)
  const all = { found: [] as Recovery[], damaged: [] as { id: string; why: string }[] }
  for await (const { key } of objectsBelow(objects, prefix)) {
    const id = key.slice(prefix.length, -ENDING.length)
    if (!key.endsWith(ENDING) || !RECOVERY_ID.test(id)) continue
    try {
      all.found.push((await findRecovery(objects, storeId, id)).recovery)
    } catch (error) {
      // It was unloaded in between. One that is damaged must not hide the others.
      if (isBorealError(error, 'snapshot_corrupt')) all.damaged.push({ id, why: error.message })
      else if (!isBorealError(error, 'not_found')) throw error
    }
  }
  all.found.sort((one, other) => other.stagedAt - one.stagedAt)
  return all
}

/**
 * Removes a descriptor, also one that is damaged.
 *
 * @throws BorealError `not_found`
 */
export async function deleteRecovery(objects: ObjectStore, storeId: string, id: string): Promise<void> {
  if (!RECOVERY_ID.test(id) || (await objects.head(keyOf(storeId, id))) === undefined) throw missing(id)
  await objects.delete(keyOf(storeId, id))
}

function missing(id: string): BorealError {
  return new BorealError('not_found', `there is no recovery ${id}; boreal recovery list`)
}

function decode(bytes: Uint8Array, storeId: string, id: string): Recovery {
  const refuse = (why: string, cause?: unknown) => {
    const message = `the descriptor of recovery ${id} ${why}; unload it and stage it again`
    return new BorealError('snapshot_corrupt', message, { cause })
  }
  return parseDocument(recoverySchema, bytes, refuse, { storeId, recoveryId: id })
}

function prefixOf(storeId: string): string {
  return `${storeId}/recoveries/`
}

function keyOf(storeId: string, id: string): string {
  return `${prefixOf(storeId)}${id}${ENDING}`
}
