import { CorruptEntry, LogTrimmed } from './corrupt-entry.ts'
import { hashOfItem } from './entry-codec.ts'
import { LOG_FORMAT, type LogItem } from './event-log.ts'

/** A place in the log: what the next entry must follow. */
export interface LogMark {
  lsn: number
  /** Hash of the entry at `lsn`, hex. */
  hash: string
  /** Its time, ms. */
  time: number
}

export function markOf(item: Pick<LogItem, 'lsn' | 'hash' | 'time'>): LogMark {
  return { lsn: item.lsn, hash: item.hash, time: item.time }
}

/** Checks that an item is what its slot should hold by itself: this store's, of a known format, and unharmed. */
export function verifyItem(item: LogItem, storeId: string): void {
  // A tombstone has lost its format too.
  if (item.trimmed !== undefined) throw new LogTrimmed(item.lsn)
  if (item.format !== LOG_FORMAT) {
    throw new CorruptEntry(item.lsn, `its format ${item.format} is unknown to this build, which knows ${LOG_FORMAT}`)
  }
  if (item.storeId !== storeId) throw new CorruptEntry(item.lsn, `it belongs to another store, ${item.storeId}`)
  if (hashOfItem(item) !== item.hash) throw new CorruptEntry(item.lsn, 'its attributes do not match its checksum')
}

/** Checks that an item is the one that follows `mark`: dense, chained and unharmed. */
export function verifyNext(item: LogItem, mark: LogMark, storeId: string, verify = verifyItem): void {
  if (item.lsn !== mark.lsn + 1) {
    throw new CorruptEntry(mark.lsn + 1, `it is missing, the next one present is ${item.lsn}`)
  }
  verify(item, storeId)
  if (item.prev !== mark.hash) throw new CorruptEntry(item.lsn, `it does not follow the entry at ${mark.lsn}`)
  if (item.time < mark.time) throw new CorruptEntry(item.lsn, 'its time is before that of the entry it follows')
}
