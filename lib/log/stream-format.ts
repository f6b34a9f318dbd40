import * as z from 'zod'
import { lsn } from '../model/scalars.ts'
import type { StoredEntry } from './archived-entries.ts'
import type { LogItem } from './event-log.ts'
import { exportedSlot, exportSlot, importSlot } from './export-format.ts'

/**
 * How durable entries travel from a node to those who follow it: one JSON object a line. First who is speaking, then
 * slots as they are stored and, behind every lot of them and several times a second, a tick. A body that is an object of
 * its own stays where it is.
 */
export const STREAM_FORMAT = 1

/** Where a node has it; no route of the API, which functions serve that cannot stream. */
export const LOG_STREAM_PATH = '/v1/log-stream'

/** At most so long is a line: the text of the largest item. */
export const MAX_LINE_CHARACTERS = 1024 * 1024

/** Ms between two ticks while nothing else is sent. */
export const TICK_MS = 200

export const streamHeader = z.strictObject({
  boreal: z.literal('log-stream'),
  format: z.literal(STREAM_FORMAT),
  storeId: z.string().min(1),
  term: z.int().nonnegative(),
  clock: z.number().describe('a clock of the sender that only goes on, ms'),
})

export const streamTick = z.strictObject({
  tick: z.strictObject({
    lsn: lsn.describe('where the log ended when the sender knew last'),
    ageMs: z.number().nonnegative().describe('how long ago that was'),
    clock: z.number().describe('the clock of the header when this was sent'),
    term: z.int().nonnegative(),
  }),
})

/** Why the sender ends. */
export const streamEnd = z.strictObject({ end: z.enum(['behind', 'stopping']) })

const streamSlot = z.strictObject({ slot: exportedSlot })

export const streamMessage = z.union([streamTick, streamSlot, streamEnd])

export type StreamHeader = z.infer<typeof streamHeader>
export type StreamTick = z.infer<typeof streamTick>
export type StreamEnd = z.infer<typeof streamEnd>

/** What comes behind the header. */
export type StreamMessage = StreamTick | StreamEnd | { item: LogItem }

/** @throws z.ZodError or SyntaxError */
export function parseMessage(line: string): StreamMessage {
  const message = streamMessage.parse(JSON.parse(line))
  return 'slot' in message ? { item: importSlot(message.slot).item } : message
}

/** The line of a header, a tick or an end. */
export function lineOfMessage(message: StreamHeader | StreamTick | StreamEnd): string {
  return `${JSON.stringify(message)}\n`
}

/** The line of an entry. */
export function slotLine({ item, body }: StoredEntry): string {
  // What comes from the archive has its body apart.
  const slot = isBeside(item) ? exportSlot(item, undefined) : exportSlot({ ...item, body }, body)
  return `${JSON.stringify({ slot })}\n`
}

/** Whether the body is an object of its own, which is not sent along. */
export function isBeside({ bodyKey, codec }: LogItem): boolean {
  return bodyKey !== undefined && codec !== 'frames'
}
