import { hash } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw, inflateRawSync } from 'node:zlib'
import { messageOf } from '../model/errors.ts'
import { EVENT_REGISTRY, type EventRegistry, UnreadableEvent, upcastEvent } from '../model/event-registry.ts'
import type { BorealEvent } from '../model/events.ts'
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

const deflate = promisify(deflateRaw)

/** Encodes a frame, beside this thread. */
export async function encodeFrame(events: readonly BorealEvent[]): Promise<EncodedFrame> {
  const bytes = await deflate(JSON.stringify(events), { level: 1 })
  const frame: Frame = { hash: hash('sha256', bytes), bytes: bytes.byteLength, events: events.length }
  for (const event of events) {
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

/**
 * The events of a frame whose bytes were verified, in their current versions.
 *
 * @throws CorruptEntry
 */
export function decodeFrame(
  lsn: number,
  index: number,
  bytes: Uint8Array,
  registry: EventRegistry = EVENT_REGISTRY,
): BorealEvent[] {
  let events: unknown[]
  try {
    events = JSON.parse(inflateRawSync(bytes).toString('utf8')) as unknown[]
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
