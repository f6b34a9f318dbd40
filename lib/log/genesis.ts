import { hash } from 'node:crypto'
import { messageOf } from '../model/errors.ts'
import { CorruptEntry } from './corrupt-entry.ts'
import type { LogItem } from './event-log.ts'

/** The place of another store's log behind which a log begins. */
export interface Origin {
  /** A clone lives beside its parent and has forgotten its idempotency keys; a restored store takes its parent's place. */
  kind: 'clone' | 'restore'
  /** The parent. */
  storeId: string
  lsn: number
  /** Chain hash of the parent's entry at `lsn`, hex. */
  hash: string
}

/** The body of a genesis item that names a parent; the hash is the item's `prev`. */
export function encodeOrigin({ kind, storeId, lsn }: Origin): Buffer {
  return Buffer.from(JSON.stringify({ kind, parent: storeId, lsn }))
}

/**
 * Where a log comes from, by its genesis item; undefined when it began empty.
 *
 * @throws CorruptEntry when the item is no genesis, or does not agree with itself
 */
export function originOf(item: LogItem): Origin | undefined {
  const refuse = (why: string) => new CorruptEntry(item.lsn, `it is no genesis item: ${why}`)
  if (item.codec === 'none') return undefined
  if (item.codec !== 'genesis') throw refuse(`its codec is ${JSON.stringify(item.codec)}`)
  const body = item.body ?? new Uint8Array()
  if (hash('sha256', body) !== item.bodyHash) throw refuse('its body does not match its checksum')
  let origin: Origin
  try {
    const { kind, parent, lsn } = JSON.parse(Buffer.from(body).toString('utf8'))
    origin = { kind, storeId: parent, lsn, hash: item.prev }
  } catch (error) {
    throw refuse(messageOf(error))
  }
  if (origin.lsn !== item.lsn) throw refuse(`it names LSN ${origin.lsn}`)
  return origin
}
