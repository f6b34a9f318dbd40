import type { LogMark } from './chain.ts'
import { LogTrimmed } from './corrupt-entry.ts'
import type { WrittenTransaction } from './entry.ts'
import { type EncodedEntry, type EntryIds, encodeEntry } from './entry-codec.ts'
import type { EventLog, LogItem, PutOutcome } from './event-log.ts'
import type { FrameStage } from './frame-stage.ts'
import { type LogOptions, LogReader } from './log-reader.ts'
import { PendingAppend } from './pending-append.ts'

export type { LogOptions }

/**
 * The linearizable log of one store.
 *
 * Safety rests on one fact: a slot is written at most once. An append names its predecessor by its position, so a
 * writer that is behind, paused or deposed can only lose the race for a slot. Nothing here needs a lease or a clock.
 */
export class Log extends LogReader {
  /** ULID of this process as a writer. */
  readonly writer: string

  constructor(events: EventLog, options: LogOptions) {
    super(events, options)
    this.writer = options.runtime.newId()
  }

  /** The time of the entry that follows `mark`: server time, never before its predecessor's. */
  nextTime(mark: LogMark): number {
    return Math.max(this.now(), mark.time)
  }

  /** What an entry of ours is encoded with; fresh for each. */
  entryIds(): EntryIds {
    return { storeId: this.storeId, writer: this.writer, attempt: this.runtime.newId() }
  }

  /** Encodes the entry that is to follow `mark`, with a time from `nextTime`; no request is made. */
  encode(mark: LogMark, time: number, transactions: WrittenTransaction[]): EncodedEntry {
    return encodeEntry({ lsn: mark.lsn + 1, time, prev: mark.hash, transactions }, this.entryIds())
  }

  /**
   * Starts to append an encoded entry. The caller must stand at its predecessor and must not start another append
   * before this one has settled.
   *
   * @throws BorealError `log_unavailable` when the body could not be stored: nothing was appended.
   */
  async append({ item, body }: EncodedEntry): Promise<PendingAppend> {
    const there = this.lastLook.isStale(item.lsn - 1) ? await this.probe(item.lsn - 1) : undefined
    if (there !== undefined) {
      const taken = { put: async () => ({ kind: 'taken' as const, item: there }) }
      return new PendingAppend(taken, item, this.runtime, this.logger)
    }
    // Frames were stored as they were made.
    if (item.bodyKey !== undefined && item.codec !== 'frames') await this.bodies.store(item.bodyKey, body)
    const pending = new PendingAppend({ put: (sent) => this.#put(sent) }, item, this.runtime, this.logger)
    void pending.settled.then(({ kind }) => {
      if (kind === 'durable') this.onDurable?.({ item, body })
    })
    return pending
  }

  /** An entry for the same slot that does nothing, to end the doubt about a pending append. */
  noop({ lsn, time, prev }: LogItem): LogItem {
    return this.encode({ lsn: lsn - 1, hash: prev, time }, time, []).item
  }

  /** A place for the frames of an entry to be. */
  stage(): FrameStage {
    return this.bodies.stage()
  }

  /** One put. After a long silence an empty slot may be a freed one: then the put is preceded by a look at it. */
  async #put(item: LogItem): Promise<PutOutcome> {
    const sentAt = this.lastLook.moment()
    try {
      const there = this.lastLook.isStale(item.lsn - 1) ? await this.probe(item.lsn - 1) : undefined
      if (there !== undefined) return { kind: 'taken', item: there }
    } catch (error) {
      return { kind: error instanceof LogTrimmed ? 'refused' : 'unsent', error: error as Error }
    }
    const outcome = await this.events.put(item)
    if (outcome.kind === 'written') this.lastLook.saw(item.lsn, sentAt)
    return outcome
  }
}
