import type { StoredEntry } from '../log/archived-entries.ts'
import { type LogMark, markOf } from '../log/chain.ts'
import type { StoredTransaction, WrittenTransaction } from '../log/entry.ts'
import {
  type EncodedEntry,
  type EntryIds,
  encodeEntry,
  encodeFramed,
  framedEvents,
  hashOfItem,
  storedTransactions,
} from '../log/entry-codec.ts'
import type { BodyStore, EventLog, LogItem } from '../log/event-log.ts'
import type { Frame } from '../log/frames.ts'
import { bodyKey, frameKey } from '../log/keys.ts'
import { isStandIn } from '../log/stand-in.ts'
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'

/** Puts that are on their way at once: nobody else knows the store, so their order does not matter. */
const AT_ONCE = 16
const TRIES = 8
const FIRST_PAUSE_MS = 50

export interface CarryTarget {
  storeId: string
  events: EventLog
  bodies: BodyStore
  runtime: Runtime
}

export interface CarryOptions {
  /** Where the new log stands: its genesis. */
  from: LogMark
  /** The last entry to be carried over. */
  upTo: number
  /** Leave out what makes keys remembered: a clone starts without them. */
  forgetKeys: boolean
  /** A transaction to be added to the last entry, so that its events are applied there. */
  closing?: WrittenTransaction | undefined
}

/**
 * Writes a parent's entries into the log of a store that is being made: the same transactions at the same LSNs and times,
 * in a chain of their own. What was verified when it was read is hashed anew; the events stay as they were written,
 * whatever their versions.
 *
 * @param pages verified, in order
 * @returns the place of the last one
 * @throws BorealError `log_unavailable`, and what the pages fail with
 */
export async function carryEntries(
  pages: AsyncIterable<StoredEntry[]>,
  target: CarryTarget,
  { from, upTo, forgetKeys, closing }: CarryOptions,
): Promise<LogMark> {
  const { storeId, runtime } = target
  const writer = runtime.newId()
  const ids = (): EntryIds => ({ storeId, writer, attempt: runtime.newId() })
  let mark = from
  if (mark.lsn >= upTo) return mark
  for await (const page of pages) {
    const entries: Carried[] = []
    for (const stored of page) {
      if (stored.item.lsn > upTo) break
      const last = stored.item.lsn === upTo ? closing : undefined
      if (isStandIn(stored.item)) {
        const { lsn, time } = stored.item
        entries.push({
          ...encodeEntry({ lsn, time, prev: mark.hash, transactions: last === undefined ? [] : [last] }, ids()),
          stored,
        })
        mark = markOf(entries.at(-1)!.item)
        continue
      }
      const entry = forgetKeys ? withoutKeys(stored, mark.hash, ids(), last) : asItIs(stored, mark.hash, ids())
      entries.push({ ...entry, stored })
      mark = markOf(entry.item)
    }
    await putAll(entries, target)
    if (mark.lsn >= upTo) return mark
  }
  return mark
}

/** An entry, and what it was before. */
interface Carried extends EncodedEntry {
  stored: StoredEntry
}

/** The same bytes: only whose entry it is, and what it follows, is new. */
function asItIs({ item, body }: StoredEntry, prev: string, ids: EntryIds): EncodedEntry {
  const moved: LogItem = { ...item, ...ids, prev }
  if (item.bodyKey !== undefined) moved.bodyKey = bodyKey(ids.storeId, item.lsn, ids.attempt)
  return { item: { ...moved, hash: hashOfItem(moved) }, body }
}

function withoutKeys(
  stored: StoredEntry,
  prev: string,
  ids: EntryIds,
  closing: WrittenTransaction | undefined,
): EncodedEntry {
  const { item, body } = stored
  const transactions = storedTransactions(item, body)
  if (closing === undefined && !transactions.some((each) => each.key !== undefined || each.events.some(movesHorizon))) {
    return asItIs(stored, prev, ids)
  }
  const carried = transactions.map(({ key: _, principal: __, request: ___, ...rest }) => ({
    ...rest,
    events: rest.events.filter((event) => !movesHorizon(event)),
  })) as StoredTransaction[]
  const framed = framedEvents(item, body)
  if (framed !== undefined) return framedWithoutKeys(item, prev, ids, { carried, closing, frames: framed.frames })
  if (closing !== undefined) carried.push(closing)
  return encodeEntry({ lsn: item.lsn, time: item.time, prev, transactions: carried as WrittenTransaction[] }, ids)
}

/** One transaction whose events are in frames: there is no room for another one in its entry. */
function framedWithoutKeys(
  { lsn, time }: LogItem,
  prev: string,
  ids: EntryIds,
  {
    carried,
    closing,
    frames,
  }: { carried: StoredTransaction[]; closing: WrittenTransaction | undefined; frames: Frame[] },
): EncodedEntry {
  if (closing === undefined) {
    return encodeFramed({ lsn, time, prev, transaction: carried[0] as WrittenTransaction }, frames, ids)
  }
  throw new BorealError(
    'not_available',
    `log entry ${lsn} is a large one, and a clone cannot begin right behind it: make it behind the next entry, or take a ` +
      'snapshot first (boreal snapshot now)',
  )
}

/** A clone has a horizon of its own: behind everything that its parent may remember. */
function movesHorizon(event: unknown): boolean {
  return (event as { event?: string }).event === 'horizonMoved'
}

async function putAll(entries: Carried[], target: CarryTarget): Promise<void> {
  const left = [...entries]
  const work = async () => {
    for (let entry = left.shift(); entry !== undefined; entry = left.shift()) {
      await putBodies(entry, target)
      await putItem(entry.item, target)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

async function putBodies({ item, body, stored }: Carried, target: CarryTarget): Promise<void> {
  if (item.bodyKey === undefined) return
  if (item.codec !== 'frames') return putBody(item.bodyKey, body, target)
  for (const index of framedEvents(item, body)!.frames.keys()) {
    const bytes = await target.bodies.get(frameKey(stored.item.bodyKey!, index))
    await putBody(frameKey(item.bodyKey, index), bytes, target)
  }
}

async function putBody(key: string, body: Uint8Array, { bodies }: CarryTarget): Promise<void> {
  try {
    await bodies.put(key, body, { ifAbsent: true })
  } catch (error) {
    if (isBorealError(error)) throw error
    throw new BorealError('log_unavailable', `the body ${key} could not be stored: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Puts an item into a slot of a store that nobody else knows. The same one again is no harm. */
export async function putItem(
  item: LogItem,
  { events, runtime }: Pick<CarryTarget, 'events' | 'runtime'>,
): Promise<void> {
  for (let tries = 0, pause = FIRST_PAUSE_MS; ; tries++, pause *= 2) {
    const outcome = await events.put(item)
    if (outcome.kind === 'written') return
    if (outcome.kind === 'taken') {
      if (outcome.item.attempt === item.attempt) return
      throw new BorealError('internal', `slot ${item.lsn} of the new store ${item.storeId} is taken`)
    }
    if (tries === TRIES || outcome.kind === 'refused') {
      throw new BorealError('log_unavailable', `entry ${item.lsn} could not be written: ${outcome.error.message}`)
    }
    await runtime.sleep(pause)
  }
}
