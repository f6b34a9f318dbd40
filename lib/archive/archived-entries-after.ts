import type { ArchivedEntries, StoredEntry } from '../log/archived-entries.ts'
import { type LogMark, markOf } from '../log/chain.ts'
import { verifyArchived } from '../log/stand-in.ts'

/**
 * What an archive has behind a place, verified, without the log: for when the table is lost.
 *
 * @throws CorruptEntry when an entry does not follow the one before; BorealError `archive_corrupt`
 */
export async function* archivedEntriesAfter(
  archive: ArchivedEntries,
  storeId: string,
  from: LogMark,
): AsyncGenerator<StoredEntry[]> {
  for (let mark = from; ; ) {
    const page = await archive.read(mark.lsn)
    if (page.length === 0) return
    for (const entry of page) {
      verifyArchived(entry, mark, storeId)
      mark = markOf(entry.item)
    }
    yield page
  }
}
