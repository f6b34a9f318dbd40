import type { Log } from '../log/log.ts'
import { RECENT_LIMITS, RecentEntries, type RecentLimits } from '../log/recent-entries.ts'
import { lineOfMessage, STREAM_FORMAT, TICK_MS } from '../log/stream-format.ts'
import type { Tail } from './tail.ts'

/** Text that is sent at once, and so the most that waits here for a follower that does not read. */
const MOST_TEXT = 256 * 1024

export interface LogFeedOptions {
  log: Log
  /** Where the node stands: entries behind it are kept for followers. */
  lsn: number
  tail: Pick<Tail, 'known' | 'ageMs'>
  /** Term of the lead; 0 without one. */
  term(): number
  monotonic(): number
  limits?: RecentLimits | undefined
}

/**
 * What a node tells those who follow it: entries, as soon as it knows that they are in the log and never before, and where
 * the log ended when it knew last. Nothing is kept for a follower but its place.
 */
export class LogFeed {
  readonly #options: LogFeedOptions
  readonly #recent: RecentEntries
  /** Somebody has followed this node, and may come again. Until then nothing is kept: most nodes are never followed. */
  #wanted = false
  #followers = 0

  constructor(options: LogFeedOptions) {
    this.#options = options
    this.#recent = new RecentEntries(options.lsn, options.limits ?? RECENT_LIMITS)
    options.log.onDurable = (entry) => {
      if (this.#wanted) this.#recent.add(entry)
      else this.#recent.pass(entry.item.lsn)
    }
  }

  /** How many follow now. */
  get followers(): number {
    return this.#followers
  }

  /** Lots of lines behind an LSN, each when the one before has been taken, until the signal aborts or too few are kept. */
  async *lines(after: number, stopping: AbortSignal): AsyncGenerator<string> {
    const { log, term, monotonic } = this.#options
    const { storeId } = log
    this.#wanted = true
    this.#followers++
    try {
      yield lineOfMessage({ boreal: 'log-stream', format: STREAM_FORMAT, storeId, term: term(), clock: monotonic() })
      for (let sent = after; ; ) {
        if (stopping.aborted) return yield lineOfMessage({ end: 'stopping' })
        if (!this.#recent.covers(sent)) return yield lineOfMessage({ end: 'behind' })
        const lines = this.#recent.lines(sent, MOST_TEXT)
        sent += lines.length
        yield lines.join('') + this.#tick()
        await this.#recent.whenBehind(sent, TICK_MS, stopping)
      }
    } finally {
      this.#followers--
    }
  }

  #tick(): string {
    const { tail, term, monotonic } = this.#options
    return lineOfMessage({ tick: { lsn: tail.known, ageMs: tail.ageMs, clock: monotonic(), term: term() } })
  }
}
