import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import { EVENT_REGISTRY, type EventRegistry } from '../model/event-registry.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { type LogMark, markOf, verifyItem, verifyNext } from './chain.ts'
import { CorruptEntry, LogTrimmed } from './corrupt-entry.ts'
import { findEnd } from './end.ts'
import type { Entry, WrittenTransaction } from './entry.ts'
import { decodeEntry, type EncodedEntry, type EntryIds, encodeEntry } from './entry-codec.ts'
import type { BodyStore, EventLog, LogItem, PutOutcome } from './event-log.ts'
import { originOf } from './genesis.ts'
import { BUCKET_SIZE } from './keys.ts'
import { PendingAppend } from './pending-append.ts'
import { isSeal, StoreSealed } from './seal.ts'

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
  /** LSN of the genesis item: that of the parent's entry behind which the log goes on. Default 0. */
  startsAt?: number | undefined
}

/** An item as it is stored, with its body. */
export interface StoredEntry {
  item: LogItem
  body: Uint8Array
}

/** Server time, and the local clock too: the server's is estimated and stands still while the machine sleeps. */
interface Moment {
  server: number
  local: number
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
  readonly #bodies: BodyStore
  readonly #runtime: Runtime
  readonly #logger: Logger
  readonly #staleAfterMs: number
  readonly #registry: EventRegistry
  /** When we last asked for the end of the log and saw it. */
  #confirmedAt: Moment = { server: Number.NEGATIVE_INFINITY, local: Number.NEGATIVE_INFINITY }

  constructor(log: EventLog, options: LogOptions) {
    this.#log = log
    this.storeId = options.storeId
    this.writer = options.runtime.newId()
    this.#bodies = options.bodies
    this.#runtime = options.runtime
    this.#logger = options.logger
    this.#staleAfterMs = options.staleAfterMs ?? DAY_MS
    this.#registry = options.registry ?? EVENT_REGISTRY
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
    const item = await this.#reading(() => this.#log.get(this.startsAt))
    if (item === undefined) throw new LogTrimmed(this.startsAt)
    verifyItem(item, this.storeId)
    originOf(item)
    return markOf(item)
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
    if (this.#isStale()) await this.probe(item.lsn - 1)
    if (item.bodyKey !== undefined) await this.#storeBody(item.bodyKey, body)
    return new PendingAppend({ put: (sent) => this.#put(sent) }, item, this.#runtime, this.#logger)
  }

  /** An entry for the same slot that does nothing, to end the doubt about a pending append. */
  noop({ lsn, time, prev }: LogItem): LogItem {
    return this.encode({ lsn: lsn - 1, hash: prev, time }, time, []).item
  }

  /**
   * The proof of a linearizable read: looks for an entry after `mark`. None means that at some moment after this call
   * nothing was committed beyond `mark`. Throws BorealError `log_unavailable` when the log cannot be asked.
   */
  async probe(lsn: number): Promise<LogItem | undefined> {
    const askedAt = this.#moment()
    const item = await this.#reading(() => this.#log.get(lsn + 1))
    if (item === undefined) await this.#confirmEnd(lsn, askedAt)
    return item
  }

  /**
   * About where the log ends beyond `after`, by a few single reads: for saying how much there is to do. Nothing is
   * verified, and it may have gone on since.
   */
  findEnd(after: number): Promise<number> {
    return findEnd({ get: (lsn) => this.#reading(() => this.#log.get(lsn)) }, after)
  }

  /**
   * Verified entries after `mark`, page by page, to the end of the log.
   *
   * @throws StoreSealed behind the last entry of a log that has ended for good
   */
  follow(mark: LogMark): AsyncGenerator<Entry[]> {
    return this.#pages(mark, ({ item, body }) => decodeEntry(item, body, this.#registry))
  }

  /** The same as they are stored: what is in the bodies is not looked at. */
  followStored(mark: LogMark): AsyncGenerator<StoredEntry[]> {
    return this.#pages(mark, (stored) => stored)
  }

  async *#pages<T>(mark: LogMark, entryOf: (stored: StoredEntry) => T): AsyncGenerator<T[]> {
    let askedAt = this.#moment()
    let next = this.#reading(() => this.#log.read(mark.lsn))
    for (;;) {
      const items = await this.#upToGap(await next, mark.lsn)
      if (items.length === 0) break
      // The next page is on its way while this one is decoded and applied.
      askedAt = this.#moment()
      next = this.#reading(() => this.#log.read(items.at(-1)!.lsn))
      next.catch(() => undefined)
      const entries: T[] = []
      try {
        for (const item of items) {
          verifyNext(item, mark, this.storeId)
          if (isSeal(item)) throw new StoreSealed(item)
          entries.push(entryOf({ item, body: await this.#bodyOf(item) }))
          mark = markOf(item)
        }
      } catch (error) {
        // What came before is good.
        if (entries.length > 0) yield entries
        throw error
      }
      yield entries
    }
    await this.#confirmEnd(mark.lsn, askedAt)
  }

  /**
   * Checks that the log really ends at `mark`, as far as can be seen: a bucket that ends early although the next one
   * has entries has lost its last ones.
   */
  async verifyEnd(mark: LogMark): Promise<void> {
    const nextBucket = (Math.floor((mark.lsn + 1) / BUCKET_SIZE) + 1) * BUCKET_SIZE
    const [first] = await this.#reading(() => this.#log.read(nextBucket - 1))
    // Read last: it may have been written since, together with the whole rest of its bucket.
    if (first === undefined || (await this.#reading(() => this.#log.get(mark.lsn + 1))) !== undefined) return
    throw new CorruptEntry(mark.lsn + 1, `it is missing, the next one present is ${first.lsn}`)
  }

  /** One entry, verified by itself; `undefined` when the slot is empty. */
  async entry(lsn: number): Promise<Entry | undefined> {
    const item = await this.#reading(() => this.#log.get(lsn))
    if (item === undefined) return undefined
    verifyItem(item, this.storeId)
    return decodeEntry(item, await this.#bodyOf(item), this.#registry)
  }

  /** A page of entries after `after`, each verified by itself, at most `limit`. */
  async page(after: number, limit: number): Promise<Entry[]> {
    const items = (await this.#reading(() => this.#log.read(after))).slice(0, limit)
    const entries: Entry[] = []
    for (const item of items) {
      verifyItem(item, this.storeId)
      entries.push(decodeEntry(item, await this.#bodyOf(item), this.#registry))
    }
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
    const sentAt = this.#moment()
    try {
      const there = this.#isStale() ? await this.probe(item.lsn - 1) : undefined
      if (there !== undefined) return { kind: 'taken', item: there }
    } catch (error) {
      return { kind: error instanceof LogTrimmed ? 'refused' : 'unsent', error: error as Error }
    }
    const outcome = await this.#log.put(item)
    if (outcome.kind === 'written') this.#confirmedAt = sentAt
    return outcome
  }

  /**
   * A page as far as it is dense. It is no snapshot of its bucket, so a gap at its start counts only if the slot is
   * empty when it is read by itself.
   */
  async #upToGap(items: LogItem[], after: number): Promise<LogItem[]> {
    const gap = items.findIndex((item, index) => item.lsn !== after + 1 + index)
    if (gap !== 0) return gap === -1 ? items : items.slice(0, gap)
    const item = await this.#reading(() => this.#log.get(after + 1))
    if (item === undefined) await this.#checkTrimmed(after)
    return item === undefined ? items : [item]
  }

  /**
   * The slot after `lsn` was empty when we asked. Invariant of trimming: whoever had not seen the end of the log for
   * long then learns whether the slot had been freed; `trimmedTo` moves before slots are.
   */
  async #confirmEnd(lsn: number, askedAt: Moment): Promise<void> {
    if (this.#isStale(askedAt) || this.#isStale()) await this.#checkTrimmed(lsn)
    this.#confirmedAt = askedAt
  }

  async #checkTrimmed(lsn: number): Promise<void> {
    if ((await this.trimmedTo()) > lsn) throw new LogTrimmed(lsn + 1)
  }

  #isStale({ server, local } = this.#moment()): boolean {
    const then = this.#confirmedAt
    return server - then.server > this.#staleAfterMs || Math.abs(local - then.local) > this.#staleAfterMs
  }

  #moment(): Moment {
    return { server: this.now(), local: this.#runtime.now() }
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
