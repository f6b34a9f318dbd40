import { hash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { BorealError, messageOf } from '../model/errors.ts'
import { EVENT_REGISTRY, type EventRegistry, UnreadableEvent, upcastEvent } from '../model/event-registry.ts'
import type { StoredEntry } from './archived-entries.ts'
import { CorruptEntry, UnreadableEntry } from './corrupt-entry.ts'
import type { Entry, FramedEvents, LoggedTransaction, StoredTransaction, WrittenTransaction } from './entry.ts'
import { type Codec, LOG_FORMAT, type LogItem } from './event-log.ts'
import type { Frame } from './frames.ts'
import { encodeOrigin, type Origin } from './genesis.ts'
import { bodyKey } from './keys.ts'

/**
 * Entries to items and back. The hash of an item covers every attribute (the body by its own hash), so a change of a
 * single bit anywhere is found, and `prev` makes a chain, so a missing or exchanged entry is found too.
 */

/** Level 1 compresses a batch to within a tenth of level 6 at a third of the time. */
const DEFLATE_LEVEL = 1

/** A body below this size stays plain: deflate would not save a write unit. */
const MIN_DEFLATE_BYTES = 512

/** Bodies above this go to the object store; DynamoDB takes items up to 400 KB with all attributes. */
const MAX_ITEM_BODY_BYTES = 350 * 1024

/** What the writer knows about an entry before it is encoded. */
export interface EntryDraft {
  lsn: number
  time: number
  prev: string
  transactions: WrittenTransaction[]
}

/** Whose entry it is. */
export interface EntryIds {
  storeId: string
  writer: string
  /** ULID, fresh for every distinct (slot, bytes). */
  attempt: string
}

/** An entry ready to be sent: nothing in it may change any more. */
export interface EncodedEntry {
  item: LogItem
  /** The stored body; also in the item, unless it is so large that the item only names it. */
  body: Uint8Array
}

/** Encodes a draft. A body above the limit of an item is named by key and must be stored before the item is sent. */
export function encodeEntry(draft: EntryDraft, ids: EntryIds): EncodedEntry {
  const { codec, body } = encodeBody(draft.transactions)
  const item: LogItem = {
    lsn: draft.lsn,
    format: LOG_FORMAT,
    time: draft.time,
    prev: draft.prev,
    hash: '',
    codec,
    transactions: draft.transactions.length,
    bodyHash: sha256(body),
    bodyBytes: body.byteLength,
    ...ids,
  }
  if (body.byteLength <= MAX_ITEM_BODY_BYTES) item.body = body
  else item.bodyKey = bodyKey(ids.storeId, draft.lsn, ids.attempt)
  item.hash = hashOfItem(item)
  return { item, body }
}

/** Encodes an entry of one transaction whose events are in frames, which are stored under the item's body key. */
export function encodeFramed(
  draft: Omit<EntryDraft, 'transactions'> & { transaction: WrittenTransaction },
  frames: Frame[],
  ids: EntryIds,
): EncodedEntry {
  const body = Buffer.from(JSON.stringify({ transactions: [{ ...draft.transaction, events: [] }], frames }))
  if (body.byteLength > MAX_ITEM_BODY_BYTES) {
    throw new BorealError('too_large', 'the difference is too large for one entry; do it in parts')
  }
  const item: LogItem = {
    ...ids,
    ...{ lsn: draft.lsn, format: LOG_FORMAT, time: draft.time, prev: draft.prev, hash: '', codec: 'frames' },
    ...{ transactions: 1, bodyHash: sha256(body), bodyBytes: body.byteLength, body },
    bodyKey: bodyKey(ids.storeId, draft.lsn, ids.attempt),
  }
  item.hash = hashOfItem(item)
  return { item, body }
}

function encodeBody(transactions: WrittenTransaction[]): { codec: Codec; body: Uint8Array } {
  const json = Buffer.from(JSON.stringify(transactions))
  if (json.byteLength < MIN_DEFLATE_BYTES) return { codec: 'json', body: json }
  return { codec: 'deflate', body: deflateRawSync(json, { level: DEFLATE_LEVEL }) }
}

/**
 * The item that starts a log: no transactions, at LSN 0. A log that goes on behind another store's entry starts at its
 * LSN: `prev` is that entry's hash and the body says whose it is, so both are part of the chain.
 *
 * @param time ms: when the store was made, or the time of the parent's entry
 */
export function genesisItem(storeId: string, time: number, origin?: Origin): LogItem {
  const body = origin === undefined ? Buffer.alloc(0) : encodeOrigin(origin)
  const item: LogItem = {
    lsn: origin?.lsn ?? 0,
    format: LOG_FORMAT,
    storeId,
    writer: storeId,
    attempt: storeId,
    time,
    prev: origin?.hash ?? '',
    hash: '',
    codec: origin === undefined ? 'none' : 'genesis',
    transactions: 0,
    bodyHash: sha256(body),
    bodyBytes: body.byteLength,
    ...(origin === undefined ? {} : { body }),
  }
  return { ...item, hash: hashOfItem(item) }
}

/**
 * SHA-256 over the canonical encoding of all attributes but the hash itself. The body is in it by its hash, so that
 * trimming can take the body and leave the chain.
 */
export function hashOfItem(item: LogItem): string {
  return sha256(
    JSON.stringify([
      item.format,
      item.storeId,
      item.lsn,
      item.writer,
      item.attempt,
      item.time,
      item.prev,
      item.codec,
      item.transactions,
      item.bodyHash,
      item.bodyBytes,
      item.bodyKey ?? null,
    ]),
  )
}

/**
 * Decodes an item and its body, with every event in its current version. Hashes are those of the stored bytes, and are
 * checked before anything is upcast.
 *
 * @throws CorruptEntry when they do not agree, or hold an event that this build cannot read
 */
export function decodeEntry(item: LogItem, body: Uint8Array, registry: EventRegistry = EVENT_REGISTRY): Entry {
  verifyBody(item, body)
  return decodeVerified({ item, body }, registry)
}

/** The same, of an entry whose body is known to be the one that its item names. */
export function decodeVerified({ item, body }: StoredEntry, registry: EventRegistry): Entry {
  const transactions = countedTransactions(item, body)
  upcastAll(item.lsn, transactions, registry)
  const framed = framedEvents(item, body)
  return {
    lsn: item.lsn,
    time: item.time,
    writer: item.writer,
    attempt: item.attempt,
    prev: item.prev,
    hash: item.hash,
    bytes:
      framed === undefined ? item.bodyBytes : framed.frames.reduce((sum, { bytes }) => sum + bytes, item.bodyBytes),
    transactions,
    ...(framed === undefined ? {} : { framed }),
  }
}

/** Where the events of an item are that has them in frames. */
export function framedEvents(item: LogItem, body: Uint8Array): FramedEvents | undefined {
  if (item.codec !== 'frames') return undefined
  const { frames } = JSON.parse(Buffer.from(body).toString('utf8')) as { frames: Frame[] }
  return { bodyKey: item.bodyKey!, frames }
}

/** The transactions of an item and its body as they were written, whatever the versions of their events. */
export function storedTransactions(item: LogItem, body: Uint8Array): StoredTransaction[] {
  verifyBody(item, body)
  return countedTransactions(item, body)
}

/** @throws CorruptEntry when the body is not the one that the item names */
export function verifyBody(item: LogItem, body: Uint8Array): void {
  if (sha256(body) !== item.bodyHash) throw new CorruptEntry(item.lsn, 'its body does not match its checksum')
}

function countedTransactions(item: LogItem, body: Uint8Array): StoredTransaction[] {
  const transactions = decodeBody(item, body)
  if (transactions?.length !== item.transactions) {
    throw new CorruptEntry(item.lsn, `it has ${transactions?.length} transactions instead of ${item.transactions}`)
  }
  return transactions
}

/** The only place where what is read is upcast. In place: the transactions are fresh from their JSON text. */
function upcastAll(
  lsn: number,
  transactions: StoredTransaction[],
  registry: EventRegistry,
): asserts transactions is LoggedTransaction[] {
  for (const [index, { events }] of transactions.entries()) {
    if (!Array.isArray(events)) throw new CorruptEntry(lsn, `its transaction ${index} has no list of events`)
    try {
      for (let i = 0; i < events.length; i++) events[i] = upcastEvent(events[i], registry)
    } catch (error) {
      if (error instanceof UnreadableEvent) throw new UnreadableEntry(lsn, index, error)
      throw error
    }
  }
}

function decodeBody(item: LogItem, body: Uint8Array): StoredTransaction[] {
  try {
    switch (item.codec) {
      case 'none':
      case 'genesis':
      case 'seal':
        return []
      case 'json':
        return JSON.parse(Buffer.from(body).toString('utf8')) as StoredTransaction[]
      case 'deflate':
        return JSON.parse(inflated(body).toString('utf8')) as StoredTransaction[]
      case 'frames':
        return (JSON.parse(Buffer.from(body).toString('utf8')) as { transactions: StoredTransaction[] }).transactions
    }
  } catch (error) {
    throw new CorruptEntry(item.lsn, `its body cannot be decoded (${messageOf(error)})`)
  }
  throw new CorruptEntry(item.lsn, `its codec ${JSON.stringify(item.codec)} is unknown to this build`)
}

/** In one piece, as a rule: the usual pieces of 16 KB take half as long again, of a body that is ten times as large. */
function inflated(body: Uint8Array): Buffer {
  const expected = EXPECTED_RATIO * body.byteLength
  return inflateRawSync(body, { chunkSize: Math.min(Math.max(MIN_CHUNK_BYTES, expected), MAX_CHUNK_BYTES) })
}

const MIN_CHUNK_BYTES = 4_096
/** Bodies beside the table have megabytes. */
const MAX_CHUNK_BYTES = 1024 * 1024
const EXPECTED_RATIO = 16

function sha256(data: Uint8Array | string): string {
  return hash('sha256', data)
}
