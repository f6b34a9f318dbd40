import type { LogItem } from '../log/event-log.ts'
import type { Log } from '../log/log.ts'
import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Follower } from '../replica/follower.ts'

/** An entry that is older than this when it is met at a slot of ours is not the only one that we have missed, ms. */
const NEWS_MS = 1_000

/** After so many lost races in a row something else may be wrong with us: a pause, and a look at the log. */
const LOSSES_IN_A_ROW = 8
const LONGEST_PAUSE_MS = 20

/** What a writer does when another one was ahead of it. */
export class LostRaces {
  readonly #options: { follower: Follower; log: Log; runtime: Runtime; logger: Logger }
  #inARow = 0
  #all = 0

  constructor(options: { follower: Follower; log: Log; runtime: Runtime; logger: Logger }) {
    this.#options = options
  }

  /** How many there were. */
  get all(): number {
    return this.#all
  }

  /** An append of ours is in the log. */
  won(): void {
    this.#inARow = 0
  }

  /**
   * Another writer won the slot. What is there came back with the refusal, so whoever lost is as far as the winner without
   * asking the log, and tries again at once: one of them wins each time, so there is progress. Turns come because writers leave gaps (`Courtesy`).
   * Whoever has missed more than that reads the log, or he would lose a race for each entry that he lacks.
   */
  async take(item: LogItem): Promise<void> {
    const { follower, log, runtime, logger } = this.#options
    this.#inARow++
    this.#all++
    logger.debug('another entry won the slot', { lsn: item.lsn, writer: item.writer })
    const isNews = log.now() - item.time < NEWS_MS
    if (isNews && this.#inARow % LOSSES_IN_A_ROW !== 0) {
      try {
        return await follower.takeItems([item])
      } catch (error) {
        logger.debug('the entry that won cannot be used as it is', { lsn: item.lsn, error: messageOf(error) })
      }
    } else if (isNews) await runtime.sleep(runtime.random() * LONGEST_PAUSE_MS)
    await follower.catchUp()
  }
}
