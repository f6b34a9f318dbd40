import { backupImages } from '../backup/backup-images.ts'
import type { BackupContext } from '../backup/take.ts'

/** What jobs work with: the log and the objects of a store, its backups, and how to boot stores of their own. */
export type JobContext = BackupContext

/** A store of a job starts from a backup, too, when no snapshot can be used. */
export function jobContext(context: Omit<JobContext, 'fallback'>): JobContext {
  return { ...context, fallback: backupImages(context) }
}
