import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import { EVENT_REGISTRY, type EventRegistry } from '../model/event-registry.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { type ArchivedEntries, NO_ARCHIVE, type StoredEntry } from './archived-entries.ts'
import { type LogMark, markOf, verifyNext } from './chain.ts'
import { CorruptEntry, LogTrimmed } from './corrupt-entry.ts'
import type { Entry, WrittenTransaction } from './entry.ts'
import { decodeEntry, decodeVerified, type EncodedEntry, type EntryIds, encodeEntry } from './entry-codec.ts'
import { EntryFinder, itemOf } from './entry-finder.ts'
import type { BodyStore, EventLog, LogItem, PutOutcome } from './event-log.ts'
import { BUCKET_SIZE } from './keys.ts'
import { LastLook, type Moment } from './last-look.ts'
import { PendingAppend } from './pending-append.ts'

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
  /** The events that it can read. Default: those of this build. */
  registry?: EventRegistry
  /** What was trimmed is read there, and what is damaged. Default: nowhere. */
  archive?: ArchivedEntries
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
  readonly #log: EventLog
  readonly #bodies: BodyStore
  readonly #runtime: Runtime
  readonly #logger: Logger
  readonly #registry: EventRegistry
  readonly #archive: ArchivedEntries
  readonly #lastLook: LastLook
  readonly #finder: EntryFinder

  constructor(log: EventLog, options: LogOptions) {
    this.#log = log
    this.storeId = options.storeId
    this.writer = options.runtime.newId()
    this.#bodies = options.bodies
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
      bodyOf: (item) => this.#bodyOf(item),
    })
  }

  /** Server time in ms. */
  now(): number {
    return this.#log.serverClock.now()
  }

  /** How far the local clock is from the server's, ms; `undefined` while unknown. */
  get clockSkewMs(): number | undefined {
    return this.#log.serverClock.skewMs
  }

  /** The genesis mark: where an empty store stands. */
  async genesis(): Promise<LogMark> {
    const mark = await this.markAt(0)
    if (mark === undefined) throw new LogTrimmed(0)
    return mark
  }

  /** The place of an entry, from which `follow` goes on; undefined when the log ends before it. Its body is not read. */
  async markAt(lsn: number): Promise<LogMark | undefined> {
    const found = await this.#finder.find(lsn)
    return found === undefined ? undefined : markOf(await this.#finder.verifiedItem(found))
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
    if (item.bodyKey !== undefined) await this.#storeBody(item.bodyKey, body)
    return new PendingAppend({ put: (sent) => this.#put(sent) }, item, this.#runtime, this.#logger)
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
    const isThere = async (lsn: number) => (await this.slot(lsn)) !== undefined
    const start = (await isThere(after + 1)) ? after : Math.max(after, await this.trimmedTo())
    let [end, stride] = [start, 1]
    while (await isThere(end + stride)) {
      end += stride
      stride *= 2
    }
    for (stride = Math.floor(stride / 2); stride >= 1; stride = Math.floor(stride / 2)) {
      if (await isThere(end + stride)) end += stride
    }
    return end
  }

  /** Verified entries after `mark`, page by page, to the end of the log; those that were trimmed come from the archive. */
  follow(mark: LogMark): AsyncGenerator<Entry[]> {
    return this.#walk(mark, (entry) => decodeVerified(entry, this.#registry))
  }

  /** The same, as they were written: nothing is decoded. */
  stored(mark: LogMark): AsyncGenerator<StoredEntry[]> {
    return this.#walk(mark, (entry) => entry)
  }

  async *#walk<T>(mark: LogMark, read: (entry: StoredEntry) => T): AsyncGenerator<T[]> {
    let askedAt = this.#lastLook.moment()
    let next = this.#reading(() => this.#log.read(mark.lsn))
    for (;;) {
      const page = await this.#finder.upToGap(await next, mark.lsn)
      if (page.length === 0) break
      // The next page is on its way while this one is decoded and applied.
      askedAt = this.#lastLook.moment()
      const last = itemOf(page.at(-1)!).lsn
      next = this.#reading(() => this.#log.read(last))
      next.catch(() => undefined)
      const entries: T[] = []
      let failure: { error: unknown } | undefined
      for (const found of page) {
        const place = mark
        try {
          const entry = await this.#finder.verified(found, (item) => verifyNext(item, place, this.storeId))
          entries.push(read(entry))
          mark = markOf(entry.item)
        } catch (error) {
          failure = { error }
          break
        }
      }
      // What came before a failure is good, and somebody may need no more than that.
      if (entries.length > 0) yield entries
      if (failure !== undefined) throw failure.error
    }
    if (await this.#isFreedAfter(mark.lsn, askedAt)) throw new LogTrimmed(mark.lsn + 1)
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
    const items = await this.#reading(() => this.#log.read(after))
    const page = (await this.#finder.upToGap(items, after)).slice(0, limit)
    const entries: Entry[] = []
    for (const found of page) entries.push(decodeVerified(await this.#finder.verifiedAlone(found), this.#registry))
    return entries
  }

  /** Slots up to this LSN may be gone. */
  async trimmedTo(): Promise<number> {
    return (await this.#reading(() => this.#log.head())).trimmedTo
  }

  close(): void {
    this.#log.close()
  }

  async #storeBody(key: string, body: Uint8Array): Promise<void> {
    try {
      await this.#bodies.put(key, body, { ifAbsent: true })
    } catch (error) {
      throw unavailable(`the body ${key} could not be stored`, error)
    }
  }

  async #bodyOf(item: LogItem): Promise<Uint8Array> {
    if (item.bodyKey === undefined) return item.body ?? new Uint8Array()
    try {
      return await this.#bodies.get(item.bodyKey)
    } catch (error) {
      if (isBorealError(error, 'not_found')) throw new CorruptEntry(item.lsn, `its body ${item.bodyKey} is missing`)
      throw unavailable(`the body of entry ${item.lsn} cannot be read`, error)
    }
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

function unavailable(what: string, cause: unknown): BorealError {
  return new BorealError('log_unavailable', `${what}: ${messageOf(cause)}`, { cause, retryAfter: 1 })
}
