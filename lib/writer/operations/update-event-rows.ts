import { isDeepStrictEqual } from 'node:util'
import { BorealError } from '../../model/errors.ts'
import type { Int64, JobUpdateEventsSaved, JobUpdateRow } from '../../model/events.ts'
import { type JobUpdateKey, jobUpdateKeyText } from '../../model/job-update.ts'
import { jobUpdatesTable, updateKeyOf } from '../../store/job-updates-table.ts'
import { compositeKey, type Table } from '../../store/table.ts'
import type { BatchReads } from '../batch-reads.ts'
import type { Overlay } from '../overlay.ts'

/** What the events of updates and of their instances have in common. */

interface Reported {
  id?: string | undefined
  timestampMs: Int64
}

export function announceUpdateEvent<Row extends object>(
  { key, event }: { key: JobUpdateKey; event: Reported },
  table: Table<Row>,
  reads: BatchReads,
): void {
  const update = jobUpdateKeyText(key)
  reads.row(jobUpdatesTable, update)
  if (event.id !== undefined) reads.row(table as unknown as Table, compositeKey(update, event.id))
}

/**
 * The update that an event is for.
 *
 * @throws BorealError `constraint_violation` when there is none
 */
export function updateOf(state: Overlay, key: JobUpdateKey): JobUpdateRow {
  const update = state.row(jobUpdatesTable, jobUpdateKeyText(key))
  if (update !== undefined) return update
  throw new BorealError('constraint_violation', `there is no job update ${jobUpdateKeyText(key)} that has events`)
}

/**
 * Whether this very event is there already. Only a client that names its events can repeat one.
 *
 * @throws BorealError `already_exists` when another one has its id
 */
export function isRepeated<Row extends { ordinal: number; eventId: string }>(
  state: Overlay,
  table: Table<Row>,
  row: Row,
): boolean {
  if (row.eventId.startsWith('#')) return false
  const there = state.row(table, table.key(row))
  if (there === undefined) return false
  if (isDeepStrictEqual({ ...row, ordinal: there.ordinal }, there)) return true
  throw new BorealError('already_exists', `another event of this update has the id ${JSON.stringify(row.eventId)}`)
}

/** Ours, where the client gave none: the event's number. */
export function eventIdOf({ id }: { id?: string | undefined }, ordinal: number): string {
  return id ?? `#${ordinal}`
}

export const earlier = (a: Int64 | undefined, b: Int64): Int64 => (a === undefined || BigInt(b) < BigInt(a) ? b : a)

export const later = (a: Int64 | undefined, b: Int64): Int64 => (a === undefined || BigInt(b) > BigInt(a) ? b : a)

/** Emits events of an update. A run of them becomes one event of the log, which says once how the update is then. */
export function emitUpdateEvents(
  state: Overlay,
  update: JobUpdateRow,
  added: Pick<JobUpdateEventsSaved, 'events' | 'instanceEvents'>,
): void {
  const event: JobUpdateEventsSaved = { event: 'jobUpdateEventsSaved', v: 1, updates: [update], ...added }
  if (!state.extend(event, merge)) state.emit(event)
}

function merge(last: JobUpdateEventsSaved, next: JobUpdateEventsSaved): void {
  for (const update of next.updates) {
    const place = last.updates.findLastIndex((each) => updateKeyOf(each) === updateKeyOf(update))
    if (place < 0) last.updates.push(update)
    else last.updates[place] = update
  }
  if (next.events !== undefined) last.events = appended(last.events, next.events)
  if (next.instanceEvents !== undefined) last.instanceEvents = appended(last.instanceEvents, next.instanceEvents)
}

/** In place: a run of thousands of events must not copy what it has so far with each. */
function appended<T>(list: T[] | undefined, items: T[]): T[] {
  if (list === undefined) return items
  list.push(...items)
  return list
}
