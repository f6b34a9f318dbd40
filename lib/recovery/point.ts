import * as z from 'zod'

/**
 * A place in the history of a store: the state behind a whole entry of the log, or behind one transaction inside it
 * (`lsn.index`, counted from 0 as in /v1/log). LSN 0 is the empty store.
 */
export interface Point {
  lsn: number
  /** The last transaction of the entry that counts; absent: all of it. */
  index?: number | undefined
}

/** What somebody asks for; it means a point once it was resolved (resolve.ts). */
export type PointTarget =
  | Point
  /** The last entry with this time, or before it; ms since 1970, server time. */
  | { time: number }
  /** So many ms before the request. */
  | { agoMs: number }
  /** The last entry that a backup or a snapshot has. */
  | { backupId: string }

/** The furthest that a `Date` can be. */
const LAST_MS = 8.64e15

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export const PLACE_FORM = 'must be an LSN such as 4711, or 4711.2 for the state behind transaction 2 of that entry'

export const TIME_FORM =
  'must be a time such as 2026-03-01T09:30:00Z (with its zone; + is %2B in a URL), in ms since 1970, or -2h ' +
  '(ms, s, m, h or d before now)'

export const POINT_FORM = 'must be an LSN (4711, 4711.2), a time (2026-03-01T09:30:00Z, -2h) or the id of a backup'

const isoTime = z.iso.datetime({ offset: true })

/** `4711` or `4711.2`; undefined when it is neither. */
export function parsePlace(text: string): Point | undefined {
  const [, lsn, index] = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text) ?? []
  if (lsn === undefined) return undefined
  return index === undefined ? { lsn: Number(lsn) } : { lsn: Number(lsn), index: Number(index) }
}

/** ISO 8601 with a zone, ms since 1970, or relative such as `-2h`; undefined when it is nothing of that. */
export function parseTime(text: string): { time: number } | { agoMs: number } | undefined {
  const [, amount, unit] = /^-(\d{1,12})(ms|s|m|h|d)$/.exec(text) ?? []
  if (unit !== undefined) return { agoMs: Number(amount) * UNITS[unit]! }
  const time = /^\d{1,16}$/.test(text) ? Number(text) : isoTime.safeParse(text).success ? Date.parse(text) : Number.NaN
  return time <= LAST_MS ? { time } : undefined
}

const BACKUP_ID = /^\d{16}-[0-9A-HJKMNP-TV-Z]{26}$/

/** A point as people write it on a command line; ms since 1970 would be an LSN here. Undefined when it is none. */
export function parsePoint(text: string): PointTarget | undefined {
  return parsePlace(text) ?? parseTime(text) ?? (BACKUP_ID.test(text) ? { backupId: text } : undefined)
}

/** `4711` or `4711.2`. */
export function textOfPoint({ lsn, index }: Point): string {
  return index === undefined ? String(lsn) : `${lsn}.${index}`
}
