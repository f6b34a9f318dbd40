import type { ArchivedEntries, StoredEntry } from '../log/archived-entries.ts'
import { type LogMark, markOf, verifyNext } from '../log/chain.ts'
import { verifyBody } from '../log/entry-codec.ts'

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
    for (const { item, body } of page) {
      verifyNext(item, mark, storeId)
      verifyBody(item, body)
      mark = markOf(item)
    }
    yield page
  }
}
