import { type ArchiveContext, appendNew } from './append.ts'
import { type ArchiveCheck, checkArchive } from './check.ts'
import { mergeSmall } from './merge.ts'

export interface ArchiveOutcome {
  /** The last entry of the archive; undefined when the log has none. */
  lsn: number | undefined
  /** Entries copied, and segments written for them. */
  entries: number
  segments: number
  /** Segments that were written in place of smaller ones. */
  merged: number
  check?: ArchiveCheck
}

/** One run: copies what is new, merges what is small, and if asked to, reads everything and mends what is damaged. */
export async function archive(context: ArchiveContext, options: { check?: boolean } = {}): Promise<ArchiveOutcome> {
  const { lsn, entries, segments } = await appendNew(context)
  const check = options.check ? await checkArchive(context) : undefined
  const merged = await mergeSmall(context)
  if (entries > 0 || merged > 0) context.logger.debug('archived', { lsn, entries, segments, merged })
  return { lsn, entries, segments, merged, ...(check === undefined ? {} : { check }) }
}
