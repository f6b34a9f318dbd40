import { messageOf } from '../model/errors.ts'
import { EVENT_REGISTRY, type EventRegistry } from '../model/event-registry.ts'
import type { BorealEvent } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { type ArchivedEntries, NO_ARCHIVE, type StoredEntry } from './archived-entries.ts'
import { type LogMark, markOf } from './chain.ts'
import { CorruptEntry, LogTrimmed } from './corrupt-entry.ts'
import { findEnd } from './end.ts'
import type { Entry } from './entry.ts'
import { decodeEntry, decodeVerified, type EncodedEntry } from './entry-codec.ts'
import { EntryFinder, type Found, itemOf } from './entry-finder.ts'
import type { BodyStore, EventLog, HeadItem, LogItem } from './event-log.ts'
import { type ExportedSlot, exportedPage } from './export-format.ts'
import { originOf } from './genesis.ts'
import { BUCKET_SIZE } from './keys.ts'
import { LastLook, type Moment } from './last-look.ts'
import { LogBodies } from './log-bodies.ts'
import { lostPlace, Quarantine, type QuarantineRecord, steppedOver } from './quarantine.ts'
import { isStandIn, standIn } from './stand-in.ts'
import { unavailable } from './unavailable.ts'
import { type VerifiedPage, verifiedPage } from './verified-page.ts'

/** What readers get for slots that are stepped over. */
const STEPPED_OVER = { lost: steppedOver, placeOf: (entry: Entry) => markOf(entry) }

const DAY_MS = 24 * 60 * 60 * 1_000

export interface LogOptions {
  storeId: string
  bodies: BodyStore
  runtime: Runtime
  logger: Logger
  /**
   * A node that has not confirmed the tail for so long reads the head before it does anything else, because what it
   * takes for an empty slot may be a trimmed one. Must be far below the age at which tombstones are deleted. Default a day.
   */
  staleAfterMs?: number
  /** Rows of a frame of a large entry. Default 2,000. */
  frameRows?: number | undefined
  /** The events that it can read. Default: those of this build. */
  registry?: EventRegistry
  /** What was trimmed is read there, and what is damaged. Default: nowhere. */
  archive?: ArchivedEntries
  /** LSN of the genesis item: that of the parent's entry behind which the log goes on. Default 0. */
  startsAt?: number | undefined
}

/**
 * A log for reading. What it gives is verified: dense, chained and unharmed; what the table does not have any more, or has
 * damaged, comes from the archive; what is quarantined is stepped over.
 */
export class LogReader {
  readonly storeId: string
  /** LSN of the genesis item. What is before it is in other logs. */
  readonly startsAt: number
  protected readonly events: EventLog
  protected readonly bodies: LogBodies
  protected readonly runtime: Runtime
  protected readonly logger: Logger
  protected readonly lastLook: LastLook
  readonly #registry: EventRegistry
  readonly #archive: ArchivedEntries
  readonly #finder: EntryFinder
  readonly #quarantine: Quarantine
  /** Hears of every entry that turns out to be in the log: appended by us, or read, and then maybe more than once. */
  onDurable: ((entry: StoredEntry) => void) | undefined

  constructor(events: EventLog, options: LogOptions) {
    const { storeId, runtime, logger, frameRows, registry = EVENT_REGISTRY } = options
    this.events = events
    this.storeId = storeId
    this.startsAt = options.startsAt ?? 0
    this.runtime = runtime
    this.logger = logger
    this.#registry = registry
    this.#archive = options.archive ?? NO_ARCHIVE
    this.bodies = new LogBodies({ storeId, bodies: options.bodies, runtime, registry, frameRows })
    const moment = () => ({ server: this.now(), local: runtime.now() })
    this.lastLook = new LastLook(moment, options.staleAfterMs ?? DAY_MS)
    this.#finder = new EntryFinder({
      ...{ archive: this.#archive, storeId, logger, lastLook: this.lastLook },
      slot: (lsn) => this.slot(lsn),
      trimmedTo: () => this.trimmedTo(),
      bodyOf: (item) => this.bodies.of(item),
    })
    this.#quarantine = new Quarantine(async () => (await this.head()).quarantined)
  }

  /** Server time in ms. */
  now(): number {
    return this.events.serverClock.now()
  }

  /** How far the local clock is from the server's, ms; `undefined` while unknown. */
  get clockSkewMs(): number | undefined {
    return this.events.serverClock.skewMs
  }

  /** The genesis mark: where an empty store stands, or that which the parent's entry left behind. */
  async genesis(): Promise<LogMark> {
    const found = await this.#finder.find(this.startsAt)
    if (found === undefined) throw new LogTrimmed(this.startsAt)
    const item = await this.#finder.verifiedItem(found)
    originOf(item)
    return markOf(item)
  }

  /** The place of an entry, from which `follow` goes on; undefined when the log ends before it. Its body is not read. */
  async markAt(lsn: number): Promise<LogMark | undefined> {
    const record = await this.lostAt(lsn)
    if (record !== undefined) return lostPlace(record, await this.#placeBefore(record, lsn))
    const found = await this.#finder.find(lsn)
    return found === undefined ? undefined : markOf(await this.#finder.verifiedItem(found))
  }

  /** Where the empty store stands. Throws `LogTrimmed` when this log does not begin with it. */
  async emptyStore(): Promise<LogMark> {
    if (this.startsAt > 0) throw new LogTrimmed(1)
    return this.genesis()
  }

  /** An encoded entry as everybody will read it. */
  decode({ item, body }: EncodedEntry): Entry {
    return decodeEntry(item, body, this.#registry)
  }

  /**
   * The proof of a linearizable read: looks for an entry after `mark`. None means that at some moment after this call
   * nothing was committed beyond `mark`. What was trimmed is found, too, as a tombstone or in the archive. Throws
   * BorealError `log_unavailable` when the log cannot be asked, LogTrimmed when the archive does not have it either.
   */
  async probe(lsn: number): Promise<LogItem | undefined> {
    const askedAt = this.lastLook.moment()
    const item = await this.slot(lsn + 1)
    if (item !== undefined || !(await this.#isFreedAfter(lsn, askedAt))) return item
    return (await this.#finder.archived(lsn + 1)).item
  }

  /** What the table has in a slot: an entry or a tombstone, not verified. */
  slot(lsn: number): Promise<LogItem | undefined> {
    return this.#reading(() => this.events.get(lsn))
  }

  /**
   * About where the log ends beyond `after`, by a few single reads: for saying how much there is to do. Nothing is
   * verified, and it may have gone on since.
   */
  async findEnd(after: number): Promise<number> {
    await this.quarantined()
    // One that is stepped over may be missing.
    const log = { get: async (lsn: number) => this.#quarantine.at(lsn) ?? (await this.slot(lsn)) }
    const start = (await log.get(after + 1)) === undefined ? Math.max(after, await this.trimmedTo()) : after
    return findEnd(log, start)
  }

  /**
   * Verified entries after `mark`, page by page, to the end of the log; those that were trimmed come from the archive.
   * Quarantined slots are stepped over.
   *
   * @throws StoreSealed behind the last entry of a log that has ended for good
   */
  follow(mark: LogMark): AsyncGenerator<Entry[]> {
    const read = (entry: StoredEntry) => decodeVerified(entry, this.#registry)
    return this.#quarantine.follow(mark, (from, stop) => this.#walk(from, read, stop), STEPPED_OVER)
  }

  /** Slots that are stepped over. */
  async quarantined(): Promise<readonly QuarantineRecord[]> {
    return this.#quarantine.records()
  }

  /** The record of a slot that is stepped over. */
  async lostAt(lsn: number): Promise<QuarantineRecord | undefined> {
    await this.quarantined()
    return this.#quarantine.at(lsn)
  }

  /**
   * Entries as they were written, nothing decoded; for slots that are stepped over what the archive has in their place
   * (stand-in.ts). @throws StoreSealed likewise
   */
  stored(mark: LogMark): AsyncGenerator<StoredEntry[]> {
    return this.#quarantine.follow(mark, (from, stop) => this.#walk(from, (entry) => entry, stop), {
      lost: (record, lsn, before) => standIn(record, lsn, before, this.storeId),
      placeOf: ({ item }) => markOf(item),
    })
  }

  async *#walk<T>(
    mark: LogMark,
    read: (entry: StoredEntry) => T,
    stop = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<T[]> {
    if (mark.lsn + 1 >= stop) return
    let askedAt = this.lastLook.moment()
    let next = this.#reading(() => this.events.read(mark.lsn))
    for (;;) {
      const found = await this.#finder.upToGap(await next, mark.lsn)
      const page = found.filter((each) => itemOf(each).lsn < stop)
      if (page.length === 0) break
      // The next page is on its way while this one is decoded and applied.
      askedAt = this.lastLook.moment()
      const last = itemOf(page.at(-1)!).lsn
      next = this.#reading(() => this.events.read(last))
      next.catch(() => undefined)
      const { entries, mark: to, failure } = await this.#verified(page, mark, read)
      mark = to
      if (entries.length > 0) yield entries
      if (failure !== undefined) throw failure.error
      if (mark.lsn + 1 >= stop) return
    }
    if (await this.#isFreedAfter(mark.lsn, askedAt)) throw new LogTrimmed(mark.lsn + 1)
  }

  /**
   * Entries behind `mark` from items that are in the log as somebody says who should know, verified as if they had been
   * read from it; those up to `mark` are passed over.
   *
   * @throws CorruptEntry when one does not follow, or is not what it says
   */
  given(mark: LogMark, items: readonly LogItem[]): AsyncGenerator<Entry[]> {
    return this.#quarantine.follow(mark, (from, stop) => this.#given(from, items, stop), STEPPED_OVER)
  }

  async *#given(mark: LogMark, items: readonly LogItem[], stop: number): AsyncGenerator<Entry[]> {
    const behind = items.filter(({ lsn }) => lsn > mark.lsn && lsn < stop)
    const page = await Promise.all(behind.map(async (item) => ({ item, body: await this.bodies.of(item) })))
    const { entries, failure } = await this.#verified(page, mark, (entry) => decodeVerified(entry, this.#registry))
    if (entries.length > 0) yield entries
    if (failure !== undefined) throw failure.error
  }

  #verified<T>(page: readonly Found[], mark: LogMark, read: (entry: StoredEntry) => T): Promise<VerifiedPage<T>> {
    return verifiedPage(page, mark, {
      ...{ finder: this.#finder, quarantine: this.#quarantine, storeId: this.storeId },
      read: (entry) => {
        this.onDurable?.(entry)
        return read(entry)
      },
    })
  }

  /**
   * Checks that the log really ends at `mark`, as far as can be seen: a bucket that ends early although the next one
   * has entries has lost its last ones, and a log that ends before its archive likewise.
   */
  async verifyEnd(mark: LogMark): Promise<void> {
    const nextBucket = (Math.floor((mark.lsn + 1) / BUCKET_SIZE) + 1) * BUCKET_SIZE
    const [first] = await this.#reading(() => this.events.read(nextBucket - 1))
    const archived = await this.#archive.end().catch((error: unknown) => {
      this.logger.warn('the archive cannot be read', { error: messageOf(error) })
      return undefined
    })
    const isBehind = first !== undefined || (archived ?? 0) > mark.lsn
    // Read last: it may have been written since, together with what was found behind it.
    if (!isBehind || (await this.slot(mark.lsn + 1)) !== undefined) return
    const proof = first === undefined ? `the archive goes up to ${archived}` : `the next one present is ${first.lsn}`
    throw new CorruptEntry(mark.lsn + 1, `it is missing, ${proof}`)
  }

  /** One entry, verified by itself; `undefined` when the slot is empty. */
  async entry(lsn: number): Promise<Entry | undefined> {
    const record = await this.lostAt(lsn)
    if (record !== undefined) return steppedOver(record, lsn, await this.#placeBefore(record, lsn))
    const stored = await this.storedEntry(lsn)
    return stored === undefined ? undefined : decodeVerified(stored, this.#registry)
  }

  /** The same, as it was written. */
  async storedEntry(lsn: number): Promise<StoredEntry | undefined> {
    const record = await this.lostAt(lsn)
    if (record !== undefined) return standIn(record, lsn, await this.#placeBefore(record, lsn), this.storeId)
    const found = await this.#finder.find(lsn)
    return found === undefined ? undefined : this.#finder.verifiedAlone(found)
  }

  /** A page of entries after `after`, each verified by itself, at most `limit`. */
  async page(after: number, limit: number): Promise<Entry[]> {
    await this.#quarantine.records()
    const items = await this.#reading(() => this.events.read(after))
    const page = (await this.#finder.upToGap(items, after)).slice(0, limit)
    const read = async (found: Found) => decodeVerified(await this.#finder.verifiedAlone(found), this.#registry)
    const found = page.map((each) => ({ lsn: itemOf(each).lsn, read: () => read(each) }))
    return (await this.#quarantine.page(after, found)).slice(0, limit)
  }

  /** A page of slots after `after` as they are stored, with their bodies; nothing is verified. */
  async exported(after: number, mostBytes: number): Promise<ExportedSlot[]> {
    const items = await this.#reading(() => this.events.read(after))
    return exportedPage(items, (item) => this.bodies.of(item), mostBytes)
  }

  /** The JSON text of a frame of an entry (UTF-8), verified and unpacked. */
  frameText(entry: Pick<Entry, 'lsn' | 'framed'>, index: number): Promise<Uint8Array> {
    return this.bodies.frameText(entry, index)
  }

  /** All events of an entry, frame by frame; those of an ordinary one at once. */
  eventsOf(entry: Entry): AsyncGenerator<BorealEvent[]> {
    return this.bodies.eventsOf(entry)
  }

  /** The events of a frame of an entry; an ordinary one has them all in frame 0. */
  eventsIn(entry: Entry, index: number): Promise<BorealEvent[]> {
    return this.bodies.eventsIn(entry, index)
  }

  /** Slots up to this LSN may be gone. */
  async trimmedTo(): Promise<number> {
    return (await this.head()).trimmedTo
  }

  /** The head item. */
  head(): Promise<HeadItem> {
    return this.#reading(() => this.events.head())
  }

  close(): void {
    this.events.close()
  }

  /** Where the log stands before a slot that is stepped over. */
  async #placeBefore(record: QuarantineRecord, lsn: number): Promise<LogMark> {
    try {
      const before = await this.markAt(record.lsn - 1)
      if (before === undefined)
        throw new CorruptEntry(record.lsn - 1, 'it is missing, and the one behind it quarantined')
      return lsn === record.lsn ? before : { lsn: lsn - 1, hash: record.hash, time: before.time }
    } catch (error) {
      if (!(error instanceof LogTrimmed)) throw error
      // The archive may have forgotten what is before, and still have what stands for it.
      const item = (await this.#archive.entry(lsn))?.item
      if (item === undefined || !isStandIn(item)) throw error
      return { lsn: lsn - 1, hash: item.prev, time: item.time }
    }
  }

  /**
   * Whether the slot after `lsn`, which was empty when we asked, had been freed; else the log ended there. Invariant of
   * trimming: `trimmedTo` moves before slots are freed.
   */
  async #isFreedAfter(lsn: number, askedAt: Moment): Promise<boolean> {
    const isStale = this.lastLook.isStale(lsn, askedAt) || this.lastLook.isStale(lsn)
    if (isStale && (await this.trimmedTo()) > lsn) return true
    this.lastLook.saw(lsn, askedAt)
    return false
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      throw unavailable('the log cannot be read', error)
    }
  }
}
