import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import * as z from 'zod'
import type { StoredEntry } from '../log/archived-entries.ts'
import { verifyItem } from '../log/chain.ts'
import { verifyBody } from '../log/entry-codec.ts'
import type { LogItem } from '../log/event-log.ts'
import { isStandIn, verifyArchived, verifyStandIn } from '../log/stand-in.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import { type SegmentName, segmentName } from './names.ts'

/**
 * A segment: consecutive entries of the log with their bodies, in one object.
 *
 *     header   1,024 bytes: JSON, filled up with spaces; it ends with a checksum over itself
 *     items    the attributes of every item as the log has them, JSON, deflated
 *     bodies   one behind the other; each item says how long its own is
 *
 * Nothing in it is believed unless header and content have their checksums. Items and bodies keep their own hashes, by
 * which whoever reads entries verifies them once more.
 */

const HEADER_BYTES = 1_024

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

const headerSchema = z.strictObject({
  format: z.literal(1),
  storeId: z.string(),
  from: z.int(),
  to: z.int(),
  firstTime: z.int(),
  lastTime: z.int(),
  prev: z.string(),
  hash: sha256,
  writtenAt: z.int(),
  writtenBy: z.string(),
  itemBytes: z.int(),
  bodyBytes: z.int(),
  content: sha256,
  checksum: sha256,
})

export type SegmentHeader = z.infer<typeof headerSchema>

/** What is in a segment, and since when it is there (server time, ms). */
export interface Segment {
  header: SegmentHeader
  entries: StoredEntry[]
}

/** Makes a segment of consecutive entries. */
export async function encodeSegment(
  entries: readonly StoredEntry[],
  by: { storeId: string; writtenAt: number; writtenBy: string },
): Promise<{ name: SegmentName; bytes: Uint8Array }> {
  const [first, last] = [entries[0]!.item, entries.at(-1)!.item]
  const range = { from: first.lsn, to: last.lsn, firstTime: first.time, lastTime: last.time }
  // Whether the body was in the item is said, too.
  const attributes = entries.map(({ item }) => (item.body === undefined ? item : { ...item, body: true }))
  const items = await promisify(deflateRaw)(JSON.stringify(attributes), { level: 1 })
  const content = Buffer.concat([items, ...entries.map(({ body }) => body)])
  const header = {
    format: 1 as const,
    storeId: by.storeId,
    ...range,
    prev: first.prev,
    hash: last.hash,
    writtenAt: by.writtenAt,
    writtenBy: by.writtenBy,
    itemBytes: items.byteLength,
    bodyBytes: content.byteLength - items.byteLength,
    content: digestOf(content),
  }
  const name = segmentName(by.storeId, { ...range, prev: first.prev, hash: last.hash })
  return { name, bytes: Buffer.concat([headerText(header), content]) }
}

function headerText(header: Omit<SegmentHeader, 'checksum'>): Buffer {
  const text = JSON.stringify({ ...header, checksum: digestOf(JSON.stringify(header)) })
  return Buffer.from(text.padEnd(HEADER_BYTES - 1, ' ').concat('\n'))
}

/**
 * Reads a segment: its form, its checksums, and that it is what its name says. Entries are not verified by themselves.
 *
 * @throws BorealError `archive_corrupt`
 */
export async function decodeSegment(storeId: string, name: SegmentName, bytes: Uint8Array): Promise<Segment> {
  const refuse = (why: string) => damaged(name, why)
  const header = decodeHeader(bytes.subarray(0, HEADER_BYTES), refuse)
  if (header.storeId !== storeId) throw refuse(`it is of another store, ${header.storeId}`)
  if (segmentName(storeId, header).key !== name.key) throw refuse('it is not the one that its name says')
  const content = bytes.subarray(HEADER_BYTES)
  if (digestOf(content) !== header.content) throw refuse('its content does not match its checksum')
  const items = await itemsOf(content.subarray(0, header.itemBytes)).catch((e) => Promise.reject(refuse(messageOf(e))))
  let offset = header.itemBytes
  const entries = items.map((item) => {
    const body = content.subarray(offset, offset + item.bodyBytes)
    offset += item.bodyBytes
    return { item: item.body === undefined ? item : { ...item, body }, body }
  })
  if (offset !== content.byteLength) throw refuse('its bodies are not as long as its items say')
  if (items.length !== header.to - header.from + 1) throw refuse(`it has ${items.length} entries`)
  return { header, entries }
}

function decodeHeader(bytes: Uint8Array, refuse: (why: string) => Error): SegmentHeader {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw refuse('its header is no JSON')
  }
  const parsed = headerSchema.safeParse(value)
  if (!parsed.success) throw refuse('its header is damaged, or of a form that this build does not know')
  const { checksum: _, ...header } = parsed.data
  if (!headerText(header).equals(bytes)) throw refuse('its header does not match its checksum')
  return parsed.data
}

async function itemsOf(bytes: Uint8Array): Promise<LogItem[]> {
  return JSON.parse((await promisify(inflateRaw)(bytes)).toString('utf8')) as LogItem[]
}

/**
 * Checks every entry of a segment by its own hashes, and that they follow each other, and `after` if that is given.
 *
 * @throws BorealError `archive_corrupt`
 */
export function verifyEntries(name: SegmentName, { header, entries }: Segment, after?: LogItem): void {
  let before = after
  try {
    for (const { item, body } of entries) {
      if (before !== undefined) verifyArchived({ item, body }, before, header.storeId)
      else if (isStandIn(item)) verifyStandIn(item, header.storeId)
      else verifyItem(item, header.storeId)
      verifyBody(item, body)
      before = item
    }
  } catch (error) {
    throw damaged(name, messageOf(error))
  }
}

export function damaged({ key }: SegmentName, why: string): BorealError {
  return new BorealError(
    'archive_corrupt',
    `segment ${key} of the archive cannot be used: ${why}. Run \`boreal archive now --check\`: it is written again if the ` +
      'table, or another segment, has its entries.',
  )
}

function digestOf(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}
