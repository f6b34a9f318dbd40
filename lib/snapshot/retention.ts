import type { Log } from '../log/log.ts'
import type { Logger } from '../model/logger.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { retire } from '../objects/retirement.ts'
import { type Snapshot, snapshots } from './catalog.ts'
import { deletionSchema, encodeDocument, SNAPSHOT_FORMAT } from './documents.ts'
import { DELETION, MANIFEST, snapshotKey, VERIFICATION } from './names.ts'

export interface RetentionSettings {
  /** Verified snapshots to keep, and as many that are not: somebody may be at work on them, or want to look into them. */
  keep: number
  /** Ms between the mark that a snapshot is not needed any more and its deletion. */
  graceMs: number
  /**
   * Ms back to which every LSN must be restorable. The newest verified snapshot of each day (UTC) stays so long, and the
   * newest that is older: what is in retention is then a day of log away from one of them. Default 0.
   */
  retentionMs?: number
}

export interface RetentionContext {
  objects: ObjectStore
  log: Log
  logger: Logger
  /** Asked before snapshots are marked or deleted; throws when something could not be restored without them. */
  mayGo?: ((ids: ReadonlySet<string>) => Promise<void>) | undefined
}

const HOUR_MS = 60 * 60 * 1_000
const DAY_MS = 24 * HOUR_MS

export const RETENTION_SETTINGS: RetentionSettings = { keep: 5, graceMs: HOUR_MS }

/**
 * Deletes what lies below the oldest snapshot that is kept, and above it what is not verified, but for the newest ones.
 * First it is marked; when the grace has passed, it is looked at again, and deleted if it is still not needed. So whoever
 * had begun to read or to write it has time to end, and one run that sees a wrong picture deletes nothing.
 *
 * Whether everything can still be restored without them is asked first. Without anybody to ask, nothing is deleted once the
 * log was trimmed: until then the log alone restores every LSN.
 *
 * @throws BorealError `not_covered` from `mayGo`; nothing was marked or deleted then
 */
export async function retainSnapshots(
  { objects, log, logger, mayGo }: RetentionContext,
  { keep, graceMs, retentionMs = 0 }: RetentionSettings = RETENTION_SETTINGS,
): Promise<{ marked: string[]; deleted: string[] }> {
  if (mayGo === undefined && (await log.trimmedTo()) > 0) return { marked: [], deleted: [] }
  const all: Snapshot[] = []
  for await (const snapshot of snapshots(objects, log.storeId)) all.push(snapshot)
  const kept = keptOf(all, keep)
  for (const anchor of anchorsOf(all, log.now() - retentionMs)) kept.add(anchor)
  const { storeId } = log
  const now = log.now()
  const retireAllBut = (staying: Set<Snapshot>) =>
    retire(all, staying, {
      ...{ objects, now, graceMs, documents: [VERIFICATION, MANIFEST] },
      prefix: (id) => snapshotKey(storeId, id, ''),
      mark: { name: DELETION, bytes: (id) => markOf(storeId, id, now) },
    })
  const going = all.filter((snapshot) => !kept.has(snapshot))
  try {
    if (going.length > 0) await mayGo?.(new Set(going.map(({ id }) => id)))
  } catch (error) {
    // What was marked before is needed again.
    await retireAllBut(new Set(all))
    throw error
  }
  const done = await retireAllBut(kept)
  if (done.deleted.length > 0) logger.info('deleted snapshots', { deleted: done.deleted, kept: kept.size })
  return done
}

/** The newest verified snapshot at or before a time, and the newest of every day since. */
function anchorsOf(all: Snapshot[], fromTime: number): Snapshot[] {
  const days = new Map<number, Snapshot>()
  // The newest comes first.
  for (const snapshot of all.filter(({ state }) => state === 'verified')) {
    const { entryTime } = snapshot.manifest!
    const day = entryTime <= fromTime ? -1 : Math.floor(entryTime / DAY_MS)
    if (!days.has(day)) days.set(day, snapshot)
  }
  return [...days.values()]
}

/** With fewer verified ones than there should be, none of them is superfluous. */
function keptOf(all: Snapshot[], keep: number): Set<Snapshot> {
  const verified = all.filter(({ state }) => state === 'verified').slice(0, keep)
  const oldest = verified.length < keep ? 0 : verified.at(-1)!.lsn
  const others = all.filter(({ state, lsn }) => state !== 'verified' && lsn >= oldest).slice(0, keep)
  return new Set([...verified, ...others])
}

function markOf(storeId: string, snapshotId: string, now: number): Uint8Array {
  const content = { format: SNAPSHOT_FORMAT, snapshotId, storeId, markedAt: Math.round(now) } as const
  return encodeDocument(deletionSchema, content).bytes
}
