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
}

const HOUR_MS = 60 * 60 * 1_000

export const RETENTION_SETTINGS: RetentionSettings = { keep: 5, graceMs: HOUR_MS }

/**
 * Deletes what lies below the oldest snapshot that is kept, and above it what is not verified, but for the newest ones.
 * First it is marked; when the grace has passed, it is looked at again, and deleted if it is still not needed. So whoever
 * had begun to read or to write it has time to end, and one run that sees a wrong picture deletes nothing.
 *
 * Nothing is deleted once the log was trimmed: until then the log alone restores every LSN, after that somebody has to
 * prove first that what remains does.
 */
export async function retainSnapshots(
  { objects, log, logger }: { objects: ObjectStore; log: Log; logger: Logger },
  { keep, graceMs }: RetentionSettings = RETENTION_SETTINGS,
): Promise<{ marked: string[]; deleted: string[] }> {
  if ((await log.trimmedTo()) > 0) return { marked: [], deleted: [] }
  const all: Snapshot[] = []
  for await (const snapshot of snapshots(objects, log.storeId)) all.push(snapshot)
  const kept = keptOf(all, keep)
  const { storeId } = log
  const now = log.now()
  const done = await retire(all, kept, {
    ...{ objects, now, graceMs, documents: [VERIFICATION, MANIFEST] },
    prefix: (id) => snapshotKey(storeId, id, ''),
    mark: { name: DELETION, bytes: (id) => markOf(storeId, id, now) },
  })
  if (done.deleted.length > 0) logger.info('deleted snapshots', { deleted: done.deleted, kept: kept.size })
  return done
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
