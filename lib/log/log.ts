import { messageOf } from '../model/errors.ts'
import { EVENT_REGISTRY, type EventRegistry } from '../model/event-registry.ts'
import type { BorealEvent } from '../model/events.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { type ArchivedEntries, NO_ARCHIVE, type StoredEntry } from './archived-entries.ts'
import { type LogMark, markOf } from './chain.ts'
import { CorruptEntry, LogTrimmed } from './corrupt-entry.ts'
import { findEnd } from './end.ts'
import type { Entry, WrittenTransaction } from './entry.ts'
import { decodeEntry, decodeVerified, type EncodedEntry, type EntryIds, encodeEntry } from './entry-codec.ts'
import { EntryFinder, type Found, itemOf } from './entry-finder.ts'
import type { BodyStore, EventLog, HeadItem, LogItem, PutOutcome } from './event-log.ts'
import { type ExportedSlot, exportedPage } from './export-format.ts'
import { FrameStage } from './frame-stage.ts'
import { decodeFrame, verifyFrame } from './frames.ts'
import { originOf } from './genesis.ts'
import { ItemBodies } from './item-bodies.ts'
import { BUCKET_SIZE, frameKey, stagePrefix } from './keys.ts'
import { LastLook, type Moment } from './last-look.ts'
import { PendingAppend } from './pending-append.ts'
import { Quarantine, type QuarantineRecord, steppedOver } from './quarantine.ts'
import { unavailable } from './unavailable.ts'
import { type VerifiedPage, verifiedPage } from './verified-page.ts'

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
 * The linearizable log of one store.
 *
 * Safety rests on one fact: a slot is written at most once. An append names its predecessor by its position, so a
 * writer that is behind, paused or deposed can only lose the race for a slot. Nothing here needs a lease or a clock.
 */
export class Log {
  readonly storeId: string
  /** ULID of this process as a writer. */
  readonly writer: string
  /** LSN of the genesis item. What is before it is in other logs. */
  readonly startsAt: number
  readonly #log: EventLog
  readonly #bodies: ItemBodies
  readonly #objects: BodyStore
  readonly #runtime: Runtime
  readonly #logger: Logger
  readonly #registry: EventRegistry
  readonly #archive: ArchivedEntries
  readonly #lastLook: LastLook
  readonly #finder: EntryFinder
  readonly #frameRows: number | undefined
  readonly #quarantine: Quarantine
  /** Hears of every entry that turns out to be in the log: appended by us, or read, and then maybe more than once. */
  onDurable: ((entry: StoredEntry) => void) | undefined

  constructor(log: EventLog, options: LogOptions) {
    this.#log = log
    this.storeId = options.storeId
    this.writer = options.runtime.newId()
    this.#objects = options.bodies
    this.#bodies = new ItemBodies(options.bodies)
    this.#runtime = options.runtime
    this.#logger = options.logger
    this.#registry = options.registry ?? EVENT_REGISTRY
    this.#archive = options.archive ?? NO_ARCHIVE
    const moment = () => ({ server: this.now(), local: this.#runtime.now() })
    this.#lastLook = new LastLook(moment, options.staleAfterMs ?? DAY_MS)
    this.#finder = new EntryFinder({
      ...{ archive: this.#archive, storeId: this.storeId, logger: this.#logger, lastLook: this.#lastLook },
      slot: (lsn) => this.slot(lsn),
      trimmedTo: () => this.trimmedTo(),
      bodyOf: (item) => this.#bodies.of(item),
    })
    this.#frameRows = options.frameRows
    this.#quarantine = new Quarantine(async () => (await this.head()).quarantined)
    this.startsAt = options.startsAt ?? 0
  }

  /** Server time in ms. */
  now(): number {
    return this.#log.serverClock.now()
  }

  /** How far the local clock is from the server's, ms; `undefined` while unknown. */
  get clockSkewMs(): number | undefined {
    return this.#log.serverClock.skewMs
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
    const found = await this.#finder.find(lsn)
    return found === undefined ? undefined : markOf(await this.#finder.verifiedItem(found))
  }

  /** Where the empty store stands. Throws `LogTrimmed` when this log does not begin with it. */
  async emptyStore(): Promise<LogMark> {
    if (this.startsAt > 0) throw new LogTrimmed(1)
    return this.genesis()
  }

  /** The time of the entry that follows `mark`: server time, never before its predecessor's. */
  nextTime(mark: LogMark): number {
    return Math.max(this.now(), mark.time)
  }

  /** What an entry of ours is encoded with; fresh for each. */
  entryIds(): EntryIds {
    return { storeId: this.storeId, writer: this.writer, attempt: this.#runtime.newId() }
  }

  /** Encodes the entry that is to follow `mark`, with a time from `nextTime`; no request is made. */
  encode(mark: LogMark, time: number, transactions: WrittenTransaction[]): EncodedEntry {
    return encodeEntry({ lsn: mark.lsn + 1, time, prev: mark.hash, transactions }, this.entryIds())
  }

  /** An encoded entry as everybody will read it. */
  decode({ item, body }: EncodedEntry): Entry {
    return decodeEntry(item, body, this.#registry)
  }

  /**
   * Starts to append an encoded entry. The caller must stand at its predecessor and must not start another append
   * before this one has settled.
   *
   * @throws BorealError `log_unavailable` when the body could not be stored: nothing was appended.
   */
  async append({ item, body }: EncodedEntry): Promise<PendingAppend> {
    const there = this.#lastLook.isStale(item.lsn - 1) ? await this.probe(item.lsn - 1) : undefined
    if (there !== undefined) {
      const taken = { put: async () => ({ kind: 'taken' as const, item: there }) }
      return new PendingAppend(taken, item, this.#runtime, this.#logger)
    }
    // Frames were stored as they were made.
    if (item.bodyKey !== undefined && item.codec !== 'frames') await this.#bodies.store(item.bodyKey, body)
    const pending = new PendingAppend({ put: (sent) => this.#put(sent) }, item, this.#runtime, this.#logger)
    void pending.settled.then(({ kind }) => {
      if (kind === 'durable') this.onDurable?.({ item, body })
    })
    return pending
  }

  /** An entry for the same slot that does nothing, to end the doubt about a pending append. */
  noop({ lsn, time, prev }: LogItem): LogItem {
    return this.encode({ lsn: lsn - 1, hash: prev, time }, time, []).item
  }

  /**
   * The proof of a linearizable read: looks for an entry after `mark`. None means that at some moment after this call
   * nothing was committed beyond `mark`. What was trimmed is found, too, as a tombstone or in the archive. Throws
   * BorealError `log_unavailable` when the log cannot be asked, LogTrimmed when the archive does not have it either.
   */
  async probe(lsn: number): Promise<LogItem | undefined> {
    const askedAt = this.#lastLook.moment()
    const item = await this.slot(lsn + 1)
    if (item !== undefined || !(await this.#isFreedAfter(lsn, askedAt))) return item
    return (await this.#finder.archived(lsn + 1)).item
  }

  /** What the table has in a slot: an entry or a tombstone, not verified. */
  slot(lsn: number): Promise<LogItem | undefined> {
    return this.#reading(() => this.#log.get(lsn))
  }

  /**
   * About where the log ends beyond `after`, by a few single reads: for saying how much there is to do. Nothing is
   * verified, and it may have gone on since.
   */
  async findEnd(after: number): Promise<number> {
    const log = { get: (lsn: number) => this.slot(lsn) }
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
    return this.#quarantine.follow(mark, (from, stop) => this.#walk(from, read, stop))
  }

  /** Slots that are stepped over. */
  async quarantined(): Promise<readonly QuarantineRecord[]> {
    return this.#quarantine.records()
  }

  /** Entries as they were written: nothing is decoded, and nothing stepped over. @throws StoreSealed likewise */
  stored(mark: LogMark): AsyncGenerator<StoredEntry[]> {
    return this.#walk(mark, (entry) => entry)
  }

  async *#walk<T>(
    mark: LogMark,
    read: (entry: StoredEntry) => T,
    stop = Number.POSITIVE_INFINITY,
  ): AsyncGenerator<T[]> {
    if (mark.lsn + 1 >= stop) return
    let askedAt = this.#lastLook.moment()
    let next = this.#reading(() => this.#log.read(mark.lsn))
    for (;;) {
      const found = await this.#finder.upToGap(await next, mark.lsn)
      const page = found.filter((each) => itemOf(each).lsn < stop)
      if (page.length === 0) break
      // The next page is on its way while this one is decoded and applied.
      askedAt = this.#lastLook.moment()
      const last = itemOf(page.at(-1)!).lsn
      next = this.#reading(() => this.#log.read(last))
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
    return this.#quarantine.follow(mark, (from, stop) => this.#given(from, items, stop))
  }

  async *#given(mark: LogMark, items: readonly LogItem[], stop: number): AsyncGenerator<Entry[]> {
    const behind = items.filter(({ lsn }) => lsn > mark.lsn && lsn < stop)
    const page = await Promise.all(behind.map(async (item) => ({ item, body: await this.#bodies.of(item) })))
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
    const [first] = await this.#reading(() => this.#log.read(nextBucket - 1))
    const archived = await this.#archive.end().catch((error: unknown) => {
      this.#logger.warn('the archive cannot be read', { error: messageOf(error) })
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
    await this.#quarantine.records()
    const record = this.#quarantine.at(lsn)
    if (record !== undefined) {
      return steppedOver(record, lsn, { time: record.at, hash: (await this.slot(lsn))?.prev ?? '' })
    }
    const stored = await this.storedEntry(lsn)
    return stored === undefined ? undefined : decodeVerified(stored, this.#registry)
  }

  /** The same, as it was written. */
  async storedEntry(lsn: number): Promise<StoredEntry | undefined> {
    const found = await this.#finder.find(lsn)
    return found === undefined ? undefined : this.#finder.verifiedAlone(found)
  }

  /** A page of entries after `after`, each verified by itself, at most `limit`. */
  async page(after: number, limit: number): Promise<Entry[]> {
    await this.#quarantine.records()
    const items = await this.#reading(() => this.#log.read(after))
    const page = (await this.#finder.upToGap(items, after)).slice(0, limit)
    const read = async (found: Found) => decodeVerified(await this.#finder.verifiedAlone(found), this.#registry)
    const found = page.map((each) => ({ lsn: itemOf(each).lsn, read: () => read(each) }))
    return (await this.#quarantine.page(after, found)).slice(0, limit)
  }

  /** A page of slots after `after` as they are stored, with their bodies; nothing is verified. */
  async exported(after: number, mostBytes: number): Promise<ExportedSlot[]> {
    const items = await this.#reading(() => this.#log.read(after))
    return exportedPage(items, (item) => this.#bodies.of(item), mostBytes)
  }

  /** The stored bytes of a frame of an entry, verified. */
  async frameBytes({ lsn, framed }: Pick<Entry, 'lsn' | 'framed'>, index: number): Promise<Uint8Array> {
    const { bodyKey, frames } = framed!
    const bytes = await this.#bodies.object(lsn, frameKey(bodyKey, index))
    verifyFrame(lsn, index, frames[index]!, bytes)
    return bytes
  }

  /** All events of an entry, frame by frame; those of an ordinary one at once. */
  async *eventsOf(entry: Entry): AsyncGenerator<BorealEvent[]> {
    for (let index = 0; index < (entry.framed?.frames.length ?? 1); index++) yield await this.eventsIn(entry, index)
  }

  /** The events of a frame of an entry; an ordinary one has them all in frame 0. */
  async eventsIn(entry: Entry, index: number): Promise<BorealEvent[]> {
    if (entry.framed === undefined) return entry.transactions.flatMap(({ events }) => events)
    return decodeFrame(entry.lsn, index, await this.frameBytes(entry, index), this.#registry)
  }

  /** A place for the frames of an entry to be. */
  stage(): FrameStage {
    return new FrameStage(this.#objects, `${stagePrefix(this.storeId)}${this.#runtime.newId()}`, this.#frameRows)
  }

  /** Slots up to this LSN may be gone. */
  async trimmedTo(): Promise<number> {
    return (await this.head()).trimmedTo
  }

  /** The head item. */
  head(): Promise<HeadItem> {
    return this.#reading(() => this.#log.head())
  }

  close(): void {
    this.#log.close()
  }

  /** One put. After a long silence an empty slot may be a freed one: then the put is preceded by a look at it. */
  async #put(item: LogItem): Promise<PutOutcome> {
    const sentAt = this.#lastLook.moment()
    try {
      const there = this.#lastLook.isStale(item.lsn - 1) ? await this.probe(item.lsn - 1) : undefined
      if (there !== undefined) return { kind: 'taken', item: there }
    } catch (error) {
      return { kind: error instanceof LogTrimmed ? 'refused' : 'unsent', error: error as Error }
    }
    const outcome = await this.#log.put(item)
    if (outcome.kind === 'written') this.#lastLook.saw(item.lsn, sentAt)
    return outcome
  }

  /**
   * Whether the slot after `lsn`, which was empty when we asked, had been freed; else the log ended there. Invariant of
   * trimming: `trimmedTo` moves before slots are freed.
   */
  async #isFreedAfter(lsn: number, askedAt: Moment): Promise<boolean> {
    const isStale = this.#lastLook.isStale(lsn, askedAt) || this.#lastLook.isStale(lsn)
    if (isStale && (await this.trimmedTo()) > lsn) return true
    this.#lastLook.saw(lsn, askedAt)
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
