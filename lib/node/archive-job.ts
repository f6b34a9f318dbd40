import { type ArchiveOutcome, archive } from '../archive/archive.ts'
import { type TrimOutcome, trim } from '../archive/trim.ts'
import type { TrimSettings } from '../archive/trim-settings.ts'
import { newestDump } from '../backup/newest-dump.ts'
import { BorealError } from '../model/errors.ts'
import type { JobContext } from './job-context.ts'

/** Copies what is new into the archive; with `check` every segment is read, too, and mended if it is damaged. */
export function archiveJob(context: JobContext, options: { check?: boolean } = {}): Promise<ArchiveOutcome> {
  return archive(context, options)
}

/** Takes out of table and archive what is no longer needed. */
export async function trimJob(
  context: JobContext,
  options: { settings: TrimSettings; dryRun?: boolean },
): Promise<TrimOutcome> {
  if (context.trimmable === undefined) throw new BorealError('not_available', 'this node cannot trim its log')
  const trimmable = context.trimmable()
  try {
    const dumpedTo = async () => (await newestDump(context))?.lsn
    return await trim({ ...context, trimmable, dumpedTo }, options)
  } finally {
    trimmable.close()
  }
}
