import { Buffer } from 'node:buffer'
import * as z from 'zod'
import { CorruptEntry } from './corrupt-entry.ts'
import type { Codec, LogItem } from './event-log.ts'

/**
 * A log as text, one JSON object a line: a header, each slot as it is stored with its body beside it, and an end with
 * the SHA-256 of every byte before it. Nothing is decoded or upcast, so hashes can be checked, and slots put back.
 */
export const EXPORT_FORMAT = 1

export const exportHeader = z.strictObject({
  boreal: z.literal('log'),
  format: z.literal(EXPORT_FORMAT),
  storeId: z.string().min(1),
  exportedAt: z.int().nonnegative(),
  trimmedTo: z.int().nonnegative(),
  quarantined: z.string().nullable().describe('the list of the head item, as it is'),
})

export type ExportHeader = z.infer<typeof exportHeader>

export const exportEnd = z.strictObject({
  end: z.int().nonnegative().nullable().describe('the last slot; null when there is none'),
  entries: z.int().nonnegative(),
  sha256: z.string().describe('over all lines before, with their ends'),
})

export type ExportEnd = z.infer<typeof exportEnd>

export const exportedSlot = z.strictObject({
  lsn: z.int().nonnegative(),
  format: z.int(),
  storeId: z.string(),
  writer: z.string(),
  attempt: z.string(),
  time: z.number(),
  prev: z.string(),
  hash: z.string(),
  codec: z.string(),
  transactions: z.int(),
  bodyHash: z.string(),
  bodyBytes: z.int(),
  bodyKey: z.string().optional().describe('the body was beside the table, under this key'),
  trimmed: z.int().nonnegative().optional(),
  body: z.string().nullable().describe('base64; null when there is none'),
})

export type ExportedSlot = z.infer<typeof exportedSlot>

/** A slot and its body, wherever that was; undefined when it is missing. */
export function exportSlot(item: LogItem, body: Uint8Array | undefined): ExportedSlot {
  const { lsn, format, storeId, writer, attempt, time, prev, hash, codec, transactions, bodyHash, bodyBytes } = item
  // The genesis entry has none.
  const hasBody = item.body !== undefined || item.bodyKey !== undefined
  return {
    ...{ lsn, format, storeId, writer, attempt, time, prev, hash, codec, transactions, bodyHash, bodyBytes },
    ...(item.bodyKey === undefined ? {} : { bodyKey: item.bodyKey }),
    ...(item.trimmed === undefined ? {} : { trimmed: item.trimmed }),
    body: body === undefined || !hasBody ? null : Buffer.from(body).toString('base64'),
  }
}

/** Slots of a page with their bodies, until they have so many bytes, but at least one; nothing is verified. */
export async function exportedPage(
  items: readonly LogItem[],
  bodyOf: (item: LogItem) => Promise<Uint8Array>,
  mostBytes: number,
): Promise<ExportedSlot[]> {
  const slots: ExportedSlot[] = []
  let bytes = 0
  for (const item of items) {
    bytes += item.bodyBytes
    if (slots.length > 0 && bytes > mostBytes) break
    slots.push(exportSlot(item, await bodyOf(item).catch(ifMissing)))
  }
  return slots
}

function ifMissing(error: unknown): undefined {
  if (!(error instanceof CorruptEntry)) throw error
}

/** The item as it was, and its body if that was beside it. */
export function importSlot(slot: ExportedSlot): { item: LogItem; body: Uint8Array | undefined } {
  const { body: text, bodyKey, trimmed, ...rest } = slot
  const body = text === null ? undefined : Buffer.from(text, 'base64')
  const item: LogItem = { ...rest, codec: rest.codec as Codec }
  if (bodyKey !== undefined) item.bodyKey = bodyKey
  // The list of the frames of a large entry is in the item.
  if (body !== undefined && (bodyKey === undefined || item.codec === 'frames')) item.body = body
  if (trimmed !== undefined) item.trimmed = trimmed
  return { item, body }
}

/** A line, without its end. */
export function lineOf(value: ExportHeader | ExportedSlot | ExportEnd): string {
  return JSON.stringify(value)
}
