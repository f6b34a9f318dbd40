import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { messageOf } from '../model/errors.ts'
import { EVENT_REGISTRY, type EventRegistry, UnreadableEvent, upcastEvent } from '../model/event-registry.ts'
import type { BorealEvent, RowEntity } from '../model/events.ts'
import { CorruptEntry, UnreadableEntry } from './corrupt-entry.ts'

/**
 * Events of an entry that is too large to be held whole: in frames, each compressed and with a hash of its own, each an
 * object beside the table. The item has the hashes, so the chain covers every bit; what writes, reads or applies such an
 * entry holds a frame or two at a time.
 */

/** One frame, as the item's body describes it. */
export interface Frame {
  /** SHA-256 of the stored bytes, hex. */
  hash: string
  /** Stored bytes. */
  bytes: number
  events: number
  /** Rows that it puts and removes, by entity. */
  put?: Record<string, number>
  removed?: Record<string, number>
}

export interface EncodedFrame {
  frame: Frame
  bytes: Uint8Array
}

/** Rows to put, as JSON with a comma between them (UTF-8): where rows come as bytes, making objects of them would be most of the work. */
export interface JsonRows {
  event: 'jsonRows'
  entity: RowEntity
  count: number
  json: Uint8Array
}

/** What becomes an event when it is encoded. */
export type StagedEvent = BorealEvent | JsonRows

/** The event that it becomes. */
export function eventOf(staged: StagedEvent): BorealEvent {
  return staged.event === 'jsonRows' ? (JSON.parse(Buffer.concat(piecesOf(staged)).toString()) as BorealEvent) : staged
}

/** Its JSON. */
function piecesOf(staged: StagedEvent): Uint8Array[] {
  if (staged.event !== 'jsonRows') return [Buffer.from(JSON.stringify(staged))]
  const head = `{"event":"rowsPut","v":1,"entity":${JSON.stringify(staged.entity)},"rows":[`
  return [Buffer.from(head), staged.json, Buffer.from(']}')]
}

const COMMA = Buffer.from(',')

function jsonOfEvents(events: readonly StagedEvent[]): Uint8Array {
  const pieces = events.flatMap((event, index) => (index === 0 ? piecesOf(event) : [COMMA, ...piecesOf(event)]))
  return Buffer.concat([Buffer.from('['), ...pieces, Buffer.from(']')])
}

const deflate = promisify(deflateRaw)
const inflate = promisify<Uint8Array, Buffer>(inflateRaw)

/** Encodes a frame, beside this thread. */
export async function encodeFrame(events: readonly StagedEvent[]): Promise<EncodedFrame> {
  const bytes = await deflate(jsonOfEvents(events), { level: 1 })
  const frame: Frame = { hash: hash('sha256', bytes), bytes: bytes.byteLength, events: events.length }
  for (const event of events) {
    if (event.event === 'jsonRows') frame.put = counted(frame.put, event.entity, event.count)
    if (event.event === 'rowsPut') frame.put = counted(frame.put, event.entity, event.rows.length)
    if (event.event === 'rowsRemoved') frame.removed = counted(frame.removed, event.entity, event.keys.length)
  }
  return { frame, bytes }
}

/** Checks the bytes of a frame. */
export function verifyFrame(lsn: number, index: number, frame: Frame, bytes: Uint8Array): void {
  if (hash('sha256', bytes) !== frame.hash)
    throw new CorruptEntry(lsn, `its frame ${index} does not match its checksum`)
}

/** The JSON text of a frame whose bytes were verified, as UTF-8; unpacked beside this thread. @throws CorruptEntry */
export async function unpackFrame(lsn: number, index: number, bytes: Uint8Array): Promise<Uint8Array> {
  try {
    return await inflate(bytes)
  } catch (error) {
    throw new CorruptEntry(lsn, `its frame ${index} cannot be unpacked (${messageOf(error)})`)
  }
}

/**
 * The events of a frame, from its JSON text, in their current versions.
 *
 * @throws CorruptEntry
 */
export function decodeFrame(
  lsn: number,
  index: number,
  text: Uint8Array,
  registry: EventRegistry = EVENT_REGISTRY,
): BorealEvent[] {
  let events: unknown[]
  try {
    events = JSON.parse(Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8')) as unknown[]
  } catch (error) {
    throw new CorruptEntry(lsn, `its frame ${index} cannot be decoded (${messageOf(error)})`)
  }
  try {
    return events.map((event) => upcastEvent(event, registry))
  } catch (error) {
    if (error instanceof UnreadableEvent) throw new UnreadableEntry(lsn, 0, error)
    throw error
  }
}

function counted(counts: Record<string, number> = {}, entity: string, rows: number): Record<string, number> {
  return { ...counts, [entity]: (counts[entity] ?? 0) + rows }
}
