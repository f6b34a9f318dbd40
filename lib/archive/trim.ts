import type { LogItem } from '../log/event-log.ts'
import { contradictedBy } from '../log/quarantine.ts'
import { isStandIn } from '../log/stand-in.ts'
import type { TrimmableLog } from '../log/trimmable-log.ts'
import { isBorealError } from '../model/errors.ts'
import { newestVerified } from '../snapshot/catalog.ts'
import type { ArchiveContext } from './append.ts'
import { removeOrphans } from './bodies.ts'
import { assertCovered, type Holdings, type RestorePoint, readHoldings } from './coverage.ts'
import { lsnAtTime } from './lsn-at-time.ts'
import { readSegment, removeMerged } from './merge.ts'
import { forgetOld } from './retention.ts'
import { verifyEntries } from './segment.ts'
import { chainOf, type LsnRange, listSegments, type SegmentChain } from './segments.ts'
import { AT_ONCE, firstOf, firstWhole } from './table-places.ts'
import { TRIM_SETTINGS, type TrimSettings } from './trim-settings.ts'

export interface TrimContext extends ArchiveContext {
  trimmable: TrimmableLog
  /** Points that are kept elsewhere, such as backups. Default: none. */
  otherPoints?: (() => Promise<RestorePoint[]>) | undefined
  /**
   * The last entry that the newest dump has; undefined when there is none. Images go with a version of Postgres, and with
   * a schema where a migration has to see the data before it is loaded: a dump is what other builds start from. Absent where
   * nobody makes dumps.
   */
  dumpedTo?: (() => Promise<number | undefined>) | undefined
}

export interface TrimOptions {
  settings?: TrimSettings | undefined
  /** Only tell what would be done. */
  dryRun?: boolean | undefined
}

export interface TrimOutcome {
  dryRun: boolean
  /** Entries that became tombstones. */
  emptied: LsnRange | undefined
  /** Why not more of them. */
  limit: string
  /** Tombstones that were deleted. */
  freed: LsnRange | undefined
  /** Large bodies beside the table that no entry needs any more. */
  bodies: string[]
  /** Segments whose entries are in larger ones, and those that are older than what can be restored. */
  segments: string[]
  /** What was refused, and why: nothing of its kind was deleted. */
  refused: string[]
}

/**
 * Takes out of the table, and out of the archive, what is no longer needed. In this order, each step only up to where the
 * one before has come: entries that are in the archive (read back and verified, item by item the same as in the table),
 * below a verified snapshot, in a dump and older than they are kept become tombstones; tombstones that are old enough are deleted,
 * after `trimmedTo` has said so; bodies that nobody needs, and segments that are merged or out of retention, go. Before each
 * the coverage is proved.
 *
 * It may be stopped anywhere, and several may run at once: requests are conditional, and the next run goes on.
 */
export async function trim(context: TrimContext, options: TrimOptions = {}): Promise<TrimOutcome> {
  const { log, logger } = context
  const { settings = TRIM_SETTINGS, dryRun = false } = options
  const refused: string[] = []
  const guarded = async <T>(work: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (!isBorealError(error, 'not_covered', 'archive_corrupt', 'snapshot_corrupt', 'log_corrupt')) throw error
      logger.error('trimming was refused', { error: error.message })
      refused.push(error.message)
      return otherwise
    }
  }
  const { limit, emptied } = await guarded(() => empty(context, settings, dryRun), {
    limit: 'refused',
    emptied: undefined,
  })
  const freed = await guarded(() => free(context, settings, dryRun), undefined)
  const bodies = await guarded(() => removeOrphans(context, dryRun), [])
  const merged = dryRun ? [] : await guarded(() => removeMerged(context, settings.graceMs), [])
  const old = await guarded(() => forgetOld(context, settings, dryRun), [])
  const outcome = { dryRun, emptied, limit, freed, bodies, segments: [...merged, ...old], refused }
  if (emptied !== undefined || freed !== undefined) {
    logger.info(dryRun ? 'would trim' : 'trimmed', {
      ...outcome,
      bodies: bodies.length,
      segments: merged.length + old.length,
    })
  }
  if (freed !== undefined && !dryRun) logger.debug('freed', { trimmedTo: await log.trimmedTo() })
  return outcome
}

async function empty(
  context: TrimContext,
  settings: TrimSettings,
  dryRun: boolean,
): Promise<Pick<TrimOutcome, 'emptied' | 'limit'>> {
  const { log, objects } = context
  const others = (await context.otherPoints?.()) ?? []
  const holdings = await readHoldings(context, settings.retentionMs, others)
  const chain = chainOf(await listSegments(objects, log.storeId))
  const { to, limit } = await lastToEmpty(context, settings, { holdings, chain })
  // Where a run was stopped, some before the first whole one may be whole, too.
  const whole = await firstWhole(log, holdings.tail)
  if (to < whole) return { emptied: undefined, limit }
  const from = Math.max(whole - AT_ONCE * 2, await log.trimmedTo())
  assertCovered(holdings, { tableBelow: to + 1 }, `entries ${whole} to ${to} of the table`)
  if (!dryRun) await emptyAll(context, chain, { from, to })
  return { emptied: { from: whole, to }, limit }
}

/** How far entries may be emptied, and what is in the way of more. */
async function lastToEmpty(
  { log, objects, dumpedTo }: TrimContext,
  { tableMs }: TrimSettings,
  { holdings, chain }: { holdings: Holdings; chain: SegmentChain },
): Promise<{ to: number; limit: string }> {
  const dense = chain.gaps[0] === undefined ? chain.end?.to : chain.gaps[0].from - 1
  const lost = await log.quarantined()
  const snapshot = await newestVerified(objects, log.storeId, (each) => contradictedBy(lost, each) === undefined)
  const aged = await lsnAtTime(log, chain.segments, log.now() - tableMs, holdings.tail)
  const limits = [
    { to: aged ?? -1, limit: `entries stay ${tableMs / 3_600_000} h` },
    { to: dense ?? -1, limit: 'not in the archive yet' },
    snapshot === undefined
      ? { to: -1, limit: 'there is no verified snapshot' }
      : { to: snapshot.lsn - 1, limit: `the newest verified snapshot is at LSN ${snapshot.lsn}` },
    ...(dumpedTo === undefined ? [] : [dumpLimit(await dumpedTo())]),
  ]
  return limits.reduce((least, each) => (each.to < least.to ? each : least))
}

function dumpLimit(dumped: number | undefined): { to: number; limit: string } {
  if (dumped === undefined) return { to: -1, limit: 'there is no backup with a dump; boreal backup now makes one' }
  return { to: dumped, limit: `the newest dump is at LSN ${dumped}; boreal backup now makes another` }
}

/**
 * Empties slots segment by segment, each read back from the archive and verified. Some at a time, but never one before all
 * that lie further back are done: whoever goes on looks only a few back.
 */
async function emptyAll(context: TrimContext, { segments }: SegmentChain, { from, to }: LsnRange): Promise<void> {
  const { log, trimmable } = context
  let last: LogItem | undefined
  for (const name of segments) {
    if (name.to < from || name.from > to) continue
    const segment = await readSegment(context, name)
    verifyEntries(name, segment, last?.lsn === name.from - 1 ? last : undefined)
    last = segment.entries.at(-1)!.item
    const items = segment.entries.map(({ item }) => item).filter(({ lsn }) => lsn >= from && lsn <= to)
    for (let start = 0; start < items.length; start += AT_ONCE) {
      const atMs = Math.round(log.now())
      const bury = (item: LogItem) => (isStandIn(item) ? trimmable.buryLost(item, atMs) : trimmable.bury(item, atMs))
      await Promise.all(items.slice(start, start + AT_ONCE).map(bury))
    }
  }
}

/** Deletes tombstones that are old enough, and those that a run before has left. */
async function free(
  { log, trimmable }: TrimContext,
  { tombstoneMs }: TrimSettings,
  dryRun: boolean,
): Promise<LsnRange | undefined> {
  const before = await log.trimmedTo()
  const oldest = log.now() - tombstoneMs
  const isYoung = async (lsn: number) => {
    const item = await trimmable.get(lsn)
    return item !== undefined && (item.trimmed === undefined || item.trimmed > oldest)
  }
  const to = (await firstOf(before, (await firstWhole(log)) - 1, isYoung)) - 1
  const from = await firstOf(0, to, async (lsn) => (await trimmable.get(lsn)) !== undefined)
  if (from > to) return undefined
  if (dryRun) return { from, to }
  // Invariant: said before anything goes.
  if (to > before) await trimmable.advanceTrimmedTo(to)
  for (let start = Math.max(0, from - AT_ONCE * 2); start <= to; start += AT_ONCE) {
    const lsns = Array.from({ length: Math.min(AT_ONCE, to - start + 1) }, (_, index) => start + index)
    await Promise.all(lsns.map((lsn) => trimmable.remove(lsn)))
  }
  return { from, to }
}
