import type { Log } from '../log/log.ts'
import type { Logger } from '../model/logger.ts'
import { encodeDocument } from '../objects/checked-document.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { retire } from '../objects/retirement.ts'
import { DELETION, MANIFEST, VERIFICATION } from '../snapshot/names.ts'
import { type Backup, backups, isSound } from './catalog.ts'
import { BACKUP_FORMAT, backupDeletionSchema } from './documents.ts'
import { BACKUP, backupKey, DRILL } from './names.ts'

/** Which backups are kept; one may be kept for several reasons. */
export interface BackupRetention {
  /** The newest ones. */
  newest: number
  /** The last one of each of so many days that have any (UTC), the newest days. */
  days: number
  /** The last one of each of so many weeks that have any, from Monday to Sunday (UTC). */
  weeks: number
  /** Ms between the mark that a backup is not needed any more and its deletion. */
  graceMs: number
}

const HOUR_MS = 60 * 60 * 1_000
const DAY_MS = 24 * HOUR_MS

export const BACKUP_RETENTION: BackupRetention = { newest: 48, days: 14, weeks: 8, graceMs: HOUR_MS }

export interface RetainBackupsOptions {
  backups: ObjectStore
  log: Log
  logger: Logger
  /**
   * Why what remains would not restore everything that must be restorable, in words; undefined when it would. Without
   * it nothing is deleted once the log was trimmed.
   */
  lacking?: ((remaining: readonly Backup[]) => Promise<string | undefined>) | undefined
}

/**
 * Deletes backups that are not kept: marked first, deleted after the grace if they are still not kept.
 *
 * Days and weeks are counted by the backups there are, not by a clock: one that is wrong, or a store that was not backed up
 * for long, loses nothing.
 */
export async function retainBackups(
  { backups: objects, log, logger, lacking }: RetainBackupsOptions,
  retention: BackupRetention = BACKUP_RETENTION,
): Promise<{ marked: string[]; deleted: string[] }> {
  const { storeId } = log
  const all: Backup[] = []
  for await (const backup of backups(objects, storeId)) all.push(backup)
  const kept = keptBackups(all, retention)
  if (kept.size < all.length) {
    const trimmed = (await log.trimmedTo()) > 0
    const why = trimmed
      ? await (lacking?.([...kept]) ?? 'the log was trimmed, and nothing says what it needs')
      : undefined
    if (why !== undefined) {
      logger.warn('no backups are deleted', { reason: why })
      return { marked: [], deleted: [] }
    }
  }
  const now = log.now()
  const done = await retire(all, kept, {
    ...{ objects, now, graceMs: retention.graceMs, documents: [BACKUP, DRILL, VERIFICATION, MANIFEST] },
    prefix: (id) => backupKey(storeId, id, ''),
    mark: {
      name: DELETION,
      bytes: (backupId) => {
        const content = { format: BACKUP_FORMAT, backupId, storeId, markedAt: Math.round(now) } as const
        return encodeDocument(backupDeletionSchema, content).bytes
      },
    },
  })
  if (done.deleted.length > 0) logger.info('deleted backups', { deleted: done.deleted, kept: kept.size })
  return done
}

/** Of backups, the newest first, those that are kept. With fewer than there should be, none is superfluous. */
export function keptBackups(all: readonly Backup[], { newest, days, weeks }: BackupRetention): Set<Backup> {
  const complete = all.filter(isSound)
  const kept = new Set(complete.slice(0, newest))
  // 1 January 1970 was a Thursday.
  const periods = [
    { most: days, of: (ms: number) => Math.floor(ms / DAY_MS) },
    { most: weeks, of: (ms: number) => Math.floor((ms / DAY_MS + 3) / 7) },
  ]
  for (const { most, of } of periods) {
    const seen = new Set<number>()
    for (const backup of complete) {
      const period = of(backup.document!.takenAt)
      if (seen.has(period)) continue
      if (seen.size >= most) break
      seen.add(period)
      kept.add(backup)
    }
  }
  // What is not sound: somebody may be at work on it, or want to look into it.
  const oldest = complete.length < newest ? 0 : (complete[newest - 1]?.lsn ?? Number.POSITIVE_INFINITY)
  const others = all.filter((backup) => !isSound(backup) && backup.lsn >= oldest).slice(0, newest)
  return new Set([...kept, ...others])
}
