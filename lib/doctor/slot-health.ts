import { type LogMark, verifyItem } from '../log/chain.ts'
import { CorruptEntry, UnreadableEntry } from '../log/corrupt-entry.ts'
import { decodeEntry } from '../log/entry-codec.ts'
import type { BodyStore, LogItem } from '../log/event-log.ts'
import type { Slot } from '../log/inspection.ts'
import { isBorealError } from '../model/errors.ts'

export type SlotHealth =
  | { state: 'intact'; transactions: number }
  /** Trimming took the body, and left the place in the chain. */
  | { state: 'tombstone' }
  /** Unharmed, and of a later build. */
  | { state: 'newer'; why: string }
  | { state: 'damaged'; why: string; attributesIntact: boolean }

/** Whether what a slot holds is by itself what was written there: attributes, how they are written, body, events. */
export async function healthOf(slot: Slot, storeId: string, bodies: Pick<BodyStore, 'get'>): Promise<SlotHealth> {
  const { item, strange } = slot
  if (item.trimmed) return { state: 'tombstone' }
  try {
    verifyItem(item, storeId)
  } catch (error) {
    if (error instanceof CorruptEntry) return { state: 'damaged', why: error.failure, attributesIntact: false }
    throw error
  }
  const damaged = (why: string): SlotHealth => ({ state: 'damaged', why, attributesIntact: true })
  if (strange.length > 0) return damaged(`its attributes are not as they are written: ${strange.join(', ')}`)
  try {
    const { transactions } = decodeEntry(item, await bodyOf(item, bodies))
    return { state: 'intact', transactions: transactions.length }
  } catch (error) {
    if (error instanceof UnreadableEntry) {
      return error.message.includes('newer build') ? { state: 'newer', why: error.failure } : damaged(error.failure)
    }
    if (error instanceof CorruptEntry) return damaged(error.failure)
    throw error
  }
}

/** @throws CorruptEntry when it is missing */
export async function bodyOf(item: LogItem, bodies: Pick<BodyStore, 'get'>): Promise<Uint8Array> {
  if (item.bodyKey === undefined) return item.body ?? new Uint8Array()
  try {
    return await bodies.get(item.bodyKey)
  } catch (error) {
    if (isBorealError(error, 'not_found')) throw new CorruptEntry(item.lsn, `its body ${item.bodyKey} is missing`)
    throw error
  }
}

/** Why an item that is intact by itself does not follow the one before; undefined when it does. */
export function breakBetween(before: LogMark, item: LogItem): string | undefined {
  if (item.prev !== before.hash) return `it does not follow the entry at ${before.lsn}`
  return item.time < before.time ? 'its time is before that of the entry it follows' : undefined
}
