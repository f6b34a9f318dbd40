import type { LogMark } from '../log/chain.ts'
import { CorruptEntry } from '../log/corrupt-entry.ts'
import type { Log } from '../log/log.ts'
import type { SegmentName } from './names.ts'

/**
 * Where the log goes on from the archive's last entry.
 *
 * @throws CorruptEntry when the log has another entry there, or none: what was durable once is gone
 */
export async function archivedEnd(log: Log, end: SegmentName): Promise<LogMark> {
  const mark = await log.markAt(end.to)
  if (mark === undefined) {
    throw new CorruptEntry(end.to, 'the archive has it, the table does not: entries that were durable are gone')
  }
  if (mark.hash.startsWith(end.hash)) return mark
  throw new CorruptEntry(end.to, 'the archive has another entry there: one of them is of another log')
}
