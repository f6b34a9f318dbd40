import type { Logger } from '../model/logger.ts'
import type { ArchivedEntries, StoredEntry } from './archived-entries.ts'
import { verifyItem } from './chain.ts'
import { CorruptEntry, LogTrimmed } from './corrupt-entry.ts'
import { hashOfItem, verifyBody } from './entry-codec.ts'
import type { LogItem } from './event-log.ts'
import type { LastLook } from './last-look.ts'

/** An entry of the table, or of the archive: then with its body. */
export type Found = LogItem | StoredEntry

export interface EntryFinderOptions {
  storeId: string
  archive: ArchivedEntries
  lastLook: LastLook
  logger: Logger
  slot(lsn: number): Promise<LogItem | undefined>
  trimmedTo(): Promise<number>
  bodyOf(item: LogItem): Promise<Uint8Array>
}

/**
 * Finds entries where they are: in the table, or in the archive when they were trimmed or are damaged. What comes out is
 * verified; that the archive has it does not make it true.
 */
export class EntryFinder {
  readonly #options: EntryFinderOptions

  constructor(options: EntryFinderOptions) {
    this.#options = options
  }

  /** What is at a place; undefined when the log ends before it. */
  async find(lsn: number): Promise<Found | undefined> {
    const item = await this.#options.slot(lsn)
    if (item !== undefined && item.trimmed === undefined) return item
    if (item === undefined && (await this.#options.trimmedTo()) < lsn) return undefined
    return this.archived(lsn, item)
  }

  /** An entry that was trimmed. Whatever its tombstone still says must be true of it. */
  async archived(lsn: number, tombstone?: LogItem): Promise<StoredEntry> {
    const archived = await this.#options.archive.entry(lsn)
    if (archived === undefined) throw new LogTrimmed(lsn)
    if (tombstone !== undefined && tombstone.hash !== archived.item.hash) {
      throw new CorruptEntry(lsn, 'the archive has another entry than the table had')
    }
    return archived
  }

  /**
   * A page as far as it is dense, or a page of the archive where it begins with what was trimmed. A page is no snapshot of
   * its bucket, so a gap at its start counts only if the slot is empty when it is read by itself.
   */
  async upToGap(items: LogItem[], after: number): Promise<Found[]> {
    const { lastLook, slot, trimmedTo, archive } = this.#options
    const isNext = ({ lsn, trimmed }: LogItem, index: number) => lsn === after + 1 + index && trimmed === undefined
    const end = items.findIndex((item, index) => !isNext(item, index))
    if (end !== 0 && items.length > 0) return end === -1 ? items : items.slice(0, end)
    // An empty page is the end of the log, unless we may stand before it.
    if (items.length === 0 && !lastLook.isStale(after)) return items
    const item = items[0]?.lsn === after + 1 ? items[0] : await slot(after + 1)
    if (item !== undefined && item.trimmed === undefined) return [item]
    if (item === undefined && (await trimmedTo()) <= after) return items
    const archived = await archive.read(after)
    if (archived.length === 0) throw new LogTrimmed(after + 1)
    return archived
  }

  /** An entry that is what it should be, with its body; of the table's, if it is damaged, the copy in the archive. */
  async verified(found: Found, verify: (item: LogItem) => void): Promise<StoredEntry> {
    if ('item' in found) return sound(found, verify)
    let isItself = false
    try {
      verify(found)
      isItself = true
      const entry = { item: found, body: await this.#options.bodyOf(found) }
      verifyBody(entry.item, entry.body)
      return entry
    } catch (error) {
      // What is unharmed and yet does not fit is no damage that a copy could mend.
      if (!(error instanceof CorruptEntry) || (!isItself && hashOfItem(found) === found.hash)) throw error
      const copy = await this.#options.archive.entry(error.lsn).catch(() => undefined)
      if (copy === undefined) throw error
      const mended = sound(copy, verify)
      this.#options.logger.warn('a damaged entry of the log is read from the archive', { error: error.message })
      return mended
    }
  }

  /** The same, by itself. */
  verifiedAlone(found: Found): Promise<StoredEntry> {
    return this.verified(found, (item) => verifyItem(item, this.#options.storeId))
  }

  /** An item by itself; its body is read only if it is damaged. */
  async verifiedItem(found: Found): Promise<LogItem> {
    if ('item' in found || hashOfItem(found) !== found.hash) return (await this.verifiedAlone(found)).item
    verifyItem(found, this.#options.storeId)
    return found
  }
}

export function itemOf(found: Found): LogItem {
  return 'item' in found ? found.item : found
}

function sound(entry: StoredEntry, verify: (item: LogItem) => void): StoredEntry {
  verify(entry.item)
  verifyBody(entry.item, entry.body)
  return entry
}
