import { BorealError, isBorealError } from '../model/errors.ts'
import { encodeDocument, parseDocument } from '../objects/checked-document.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { type Recovery, recoverySchema } from './descriptor.ts'

/** The descriptors of a store's recoveries: `<storeId>/recoveries/<id>.json`. */

/** What may be the id of a recovery; everything else is looked for in vain. */
export const RECOVERY_ID = /^[0-9a-f]{20}$/

const ENDING = '.json'

/** Recoveries that a store can have staged. */
export const MAX_RECOVERIES = 1_000

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
  const missing = () => new BorealError('not_found', `there is no recovery ${id}; boreal recovery list`)
  if (!RECOVERY_ID.test(id)) throw missing()
  const key = keyOf(storeId, id)
  // Before the bytes: if it changes in between, its replacement is refused instead of undoing the change.
  const info = await objects.head(key)
  if (info === undefined) throw missing()
  const bytes = await objects.get(key).catch((error: unknown) => {
    throw isBorealError(error, 'not_found') ? missing() : error
  })
  return { recovery: decode(bytes, storeId, id), etag: info.etag }
}

/** Every recovery of a store, the newest first; `damaged` hears of those whose descriptor cannot be read. */
export async function recoveries(
  objects: ObjectStore,
  storeId: string,
  damaged: (error: BorealError) => void,
): Promise<Recovery[]> {
  const prefix = prefixOf(storeId)
  const found: Recovery[] = []
  for (let after: string | undefined; ; ) {
    const page = await objects.list(prefix, after === undefined ? {} : { after })
    for (const { key } of page.objects) {
      const id = key.slice(prefix.length, -ENDING.length)
      if (!key.endsWith(ENDING) || !RECOVERY_ID.test(id)) continue
      try {
        found.push((await findRecovery(objects, storeId, id)).recovery)
      } catch (error) {
        // One was unloaded in between; another must not hide the rest.
        if (isBorealError(error, 'snapshot_corrupt')) damaged(error)
        else if (!isBorealError(error, 'not_found')) throw error
      }
    }
    if (page.next === undefined) return found.sort((one, other) => other.stagedAt - one.stagedAt)
    after = page.next
  }
}

export async function deleteRecovery(objects: ObjectStore, storeId: string, id: string): Promise<void> {
  await objects.delete(keyOf(storeId, id))
}

function decode(bytes: Uint8Array, storeId: string, id: string): Recovery {
  const refuse = (why: string, cause?: unknown) => {
    const message = `the descriptor of recovery ${id} ${why}; unload it and stage it again`
    return new BorealError('snapshot_corrupt', message, { cause })
  }
  const recovery = parseDocument(recoverySchema, bytes, refuse)
  if (recovery.storeId !== storeId) throw refuse(`is of another store, ${recovery.storeId}`)
  if (recovery.recoveryId !== id) throw refuse(`is of another recovery, ${recovery.recoveryId}`)
  return recovery
}

function prefixOf(storeId: string): string {
  return `${storeId}/recoveries/`
}

function keyOf(storeId: string, id: string): string {
  return `${prefixOf(storeId)}${id}${ENDING}`
}
