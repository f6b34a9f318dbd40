import type { Log } from '../log/log.ts'
import { contradictedBy } from '../log/quarantine.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import { snapshots } from '../snapshot/catalog.ts'
import { lsnAtTime } from './lsn-at-time.ts'
import { chainOf, type LsnRange, listSegments } from './segments.ts'
import { firstWhole, tailOf } from './table-places.ts'

/**
 * Proves what can be restored. An LSN can be when there is a point at or below it from which a store starts, and every
 * entry from there to it, in the archive or in the table. Asked before anything is deleted, with what is to go left out.
 */

/** What a store can be restored from, without entries: a verified snapshot, a backup, or the empty store. */
export interface RestorePoint {
  /** Id of the snapshot or backup. */
  id: string
  lsn: number
  /** Of the entry at its LSN, ms. */
  time: number
  /** It is marked for deletion: nothing may rely on it any more. */
  leaving?: boolean
}

export const EMPTY_POINT = 'empty store'

/** Entries that are there. */
export interface Stretch extends LsnRange {
  /** Key of the segment, or the table. */
  where: string
}

export const TABLE = 'table'

/** What there is to restore from. */
export interface Holdings {
  points: RestorePoint[]
  stretches: Stretch[]
  /** The last entry of the log. */
  tail: number
  /** The state at the beginning of retention: every LSN from here on must be restorable. */
  from: number
  fromTime: number
}

/** What is to be deleted: points and segments by id and key, and entries of the table below an LSN. */
export interface Removal {
  points?: ReadonlySet<string>
  segments?: ReadonlySet<string>
  tableBelow?: number
}

/** LSNs that cannot be restored, and why. */
export interface Uncovered extends LsnRange {
  why: string
}

export interface CoverageContext {
  log: Log
  objects: ObjectReads
}

/**
 * What there is now.
 *
 * @param others points that are kept elsewhere, such as backups
 */
export async function readHoldings(
  { log, objects }: CoverageContext,
  retentionMs: number,
  others: readonly RestorePoint[] = [],
): Promise<Holdings> {
  const points: RestorePoint[] = [...others]
  const lost = await log.quarantined()
  for await (const { id, lsn, state, manifest, deletion } of snapshots(objects, log.storeId)) {
    if (manifest !== undefined && contradictedBy(lost, manifest) !== undefined) continue
    const leaving = deletion !== undefined
    if (state === 'verified') points.push({ id, lsn, time: manifest!.entryTime, ...(leaving ? { leaving } : {}) })
  }
  const listed = await listSegments(objects, log.storeId)
  const tail = await tailOf(log)
  const inTable = { where: TABLE, from: await firstWhole(log, tail), to: tail }
  const stretches: Stretch[] = [...listed.map(({ key, from, to }) => ({ where: key, from, to })), inTable]
  // Whoever has the genesis entry knows where the empty store stands.
  if (stretches.some(({ from, to }) => from === 0 && to >= 0)) points.push({ id: EMPTY_POINT, lsn: 0, time: 0 })
  const fromTime = log.now() - retentionMs
  const from = (await lsnAtTime(log, chainOf(listed).segments, fromTime, tail)) ?? 0
  return { points, stretches, tail, from, fromTime }
}

/** LSNs of retention that cannot be restored, once something has gone with what is marked already. */
export function uncovered(holdings: Holdings, removal: Removal = {}): Uncovered[] {
  const reaches = reachesOf(without(holdings, removal))
  const gaps: Uncovered[] = []
  let next = holdings.from
  const gapTo = (to: number) => {
    if (next <= to) gaps.push({ from: next, to, why: whyNot(reaches, next) })
  }
  for (const { from, to } of reaches) {
    if (to < next) continue
    gapTo(Math.min(from - 1, holdings.tail))
    next = to + 1
  }
  gapTo(holdings.tail)
  return gaps
}

/** A point, and the last LSN that can be reached from it entry by entry. */
interface Reach extends LsnRange {
  point: RestorePoint
}

function reachesOf({ points, stretches }: Pick<Holdings, 'points' | 'stretches'>): Reach[] {
  const inOrder = [...stretches].sort((a, b) => a.from - b.from)
  const reaches = points.map((point) => {
    let to = point.lsn
    for (const stretch of inOrder) if (stretch.from <= to + 1 && stretch.to > to) to = stretch.to
    return { point, from: point.lsn, to }
  })
  return reaches.sort((a, b) => a.from - b.from)
}

function whyNot(reaches: readonly Reach[], lsn: number): string {
  const nearest = reaches.filter(({ from }) => from <= lsn).at(-1)
  if (nearest === undefined) return 'there is no verified snapshot at or below it'
  const { point, to } = nearest
  return `the nearest point below is ${point.id} at LSN ${point.lsn}, and entry ${to + 1} is in neither table nor archive`
}

/** From where on everything can be restored, or could if it is in retention. */
export function restorableFrom(holdings: Holdings): number | undefined {
  return reachesOf(without(holdings, {})).find(({ to }) => to >= holdings.tail)?.from
}

/**
 * Refuses a removal after which something in retention could not be restored that can be restored now, or while something
 * in the middle of what is kept cannot be restored: then somebody should look before more goes.
 *
 * @throws BorealError `not_covered` with the LSNs and the reason
 */
export function assertCovered(holdings: Holdings, removal: Removal, what: string): void {
  // What lies before the first point is the past of a store that was set to keep less.
  const first = holdings.points.length === 0 ? 0 : Math.min(...holdings.points.map(({ lsn }) => lsn))
  const inRetention = { ...holdings, from: Math.max(holdings.from, first) }
  const [gap] = uncovered(inRetention, removal)
  if (gap === undefined) return
  const [before] = uncovered(inRetention)
  const range = gap.from === gap.to ? `LSN ${gap.from}` : `LSNs ${gap.from} to ${gap.to}`
  const loss =
    before?.from === gap.from
      ? `${range} cannot be restored even now, and nobody has looked into it`
      : `without it ${range} could not be restored any more`
  throw new BorealError(
    'not_covered',
    `${what} must stay: ${loss}, because ${gap.why}. Nothing was deleted. ` +
      'See "What may be deleted when" in docs/operations.md.',
  )
}

function without({ points, stretches }: Holdings, removal: Removal): Pick<Holdings, 'points' | 'stretches'> {
  const left = stretches
    .filter(({ where }) => !removal.segments?.has(where))
    .map((each) => (each.where === TABLE ? { ...each, from: Math.max(each.from, removal.tableBelow ?? 0) } : each))
  const hasGenesis = left.some(({ from, to }) => from === 0 && to >= 0)
  return {
    points: points.filter(
      ({ id, leaving }) => !leaving && !removal.points?.has(id) && (id !== EMPTY_POINT || hasGenesis),
    ),
    stretches: left,
  }
}
