import type { LogItem } from './event-log.ts'

/** An entry as it was written: the item, and its body wherever that is kept. Both fit the hashes in the item. */
export interface StoredEntry {
  item: LogItem
  body: Uint8Array
}

/**
 * The port to entries that the table no longer has. Whoever follows the log past a trimmed place reads them here; the log
 * verifies them as it does its own. What an archive gives for an LSN never changes.
 *
 * @throws BorealError `archive_corrupt` when it has the entry and every copy of it is damaged
 */
export interface ArchivedEntries {
  /** Entries after `after` in order, as many as are at hand; empty when it does not have the next one. */
  read(after: number): Promise<StoredEntry[]>
  /** One entry; undefined when it does not have it. */
  entry(lsn: number): Promise<StoredEntry | undefined>
  /** LSN of the last entry that it has; undefined when it has none. */
  end(): Promise<number | undefined>
}

/** For logs that are never trimmed. */
export const NO_ARCHIVE: ArchivedEntries = {
  read: async () => [],
  entry: async () => undefined,
  end: async () => undefined,
}
