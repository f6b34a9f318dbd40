import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import type { Codec, LogItem } from './event-log.ts'
import { bucketKey } from './keys.ts'

/** Log items as DynamoDB attributes. Hashes are binary: half the size of hex, and items are paid by the kilobyte. */
export type LogAttributes = Record<string, AttributeValue>

const text = (value: string): AttributeValue => ({ S: value })
const number = (value: number): AttributeValue => ({ N: String(value) })
const hex = (value: string): AttributeValue => ({ B: Buffer.from(value, 'hex') })

export function toAttributes(item: LogItem): LogAttributes {
  const attributes: LogAttributes = {
    pk: text(bucketKey(item.storeId, item.lsn)),
    sk: number(item.lsn),
    format: number(item.format),
    store: text(item.storeId),
    writer: text(item.writer),
    attempt: text(item.attempt),
    time: number(item.time),
    prev: hex(item.prev),
    hash: hex(item.hash),
    codec: text(item.codec),
    transactions: number(item.transactions),
    bodyHash: hex(item.bodyHash),
    bodyBytes: number(item.bodyBytes),
  }
  if (item.body !== undefined) attributes.body = { B: item.body }
  if (item.bodyKey !== undefined) attributes.bodyKey = text(item.bodyKey)
  return attributes
}

/** What is left of an entry that was trimmed (see tombstone.ts): some 150 bytes. */
export function tombstoneAttributes(
  { storeId, lsn, hash, attempt }: Pick<LogItem, 'storeId' | 'lsn' | 'hash' | 'attempt'>,
  atMs: number,
): LogAttributes {
  return {
    pk: text(bucketKey(storeId, lsn)),
    sk: number(lsn),
    hash: hex(hash),
    attempt: text(attempt),
    trimmed: number(atMs),
  }
}

/**
 * Reads an item as it is, checking nothing: an attribute that is missing or of a wrong type becomes an empty value,
 * which no hash will fit. A tombstone has lost everything but its place.
 */
export function itemOf(attributes: LogAttributes, storeId: string): LogItem {
  const s = (name: string) => attributes[name]?.S ?? ''
  const n = (name: string) => Number(attributes[name]?.N ?? -1)
  const h = (name: string) => Buffer.from(attributes[name]?.B ?? []).toString('hex')
  const item: LogItem = {
    lsn: n('sk'),
    format: n('format'),
    storeId: attributes.store?.S ?? storeId,
    writer: s('writer'),
    attempt: s('attempt'),
    time: n('time'),
    prev: h('prev'),
    hash: h('hash'),
    codec: s('codec') as Codec,
    transactions: n('transactions'),
    bodyHash: h('bodyHash'),
    bodyBytes: n('bodyBytes'),
  }
  if (attributes.body?.B !== undefined) item.body = attributes.body.B
  if (attributes.bodyKey?.S !== undefined) item.bodyKey = attributes.bodyKey.S
  if (attributes.trimmed !== undefined) item.trimmed = n('trimmed')
  return item
}
