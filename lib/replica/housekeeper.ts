import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Housework } from './housework.ts'

/** A store that can be kept in order. */
export interface Household {
  /** Takes one turn: does one piece of what is needed, or puts it off. */
  keepHouse(): Promise<Housework>
}

export interface HousekeeperOptions {
  households(): Household[]
  runtime: Runtime
  logger: Logger
  /** Ms between rounds. */
  intervalMs: number
}

/** Figures about what was done. */
export interface HousekeepingFigures {
  slices: number
  putOff: number
  /** The longest turn, with what it waited for others, ms. */
  longestMs: number
}

/** Pause between two turns, ms: whoever came meanwhile is served. */
const PAUSE_MS = 100

/** What was put off is tried again after so many ms. */
const RETRY_MS = 1_000

/**
 * Keeps the stores of a node in order. One turn at a time, of one store: so of several readers all but one are free for
 * reads, and a turn is no longer than one statement about one table.
 */
export class Housekeeper {
  readonly #stop = new AbortController()
  readonly #options: HousekeeperOptions
  readonly #figures: HousekeepingFigures = { slices: 0, putOff: 0, longestMs: 0 }

  constructor(options: HousekeeperOptions) {
    this.#options = options
    void this.#run()
  }

  get figures(): HousekeepingFigures {
    return { ...this.#figures, longestMs: Math.round(this.#figures.longestMs) }
  }

  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { households, runtime, intervalMs } = this.#options
    const { signal } = this.#stop
    let pause = intervalMs
    for (;;) {
      await runtime.sleep(pause, signal)
      let isPutOff = false
      for (const household of households()) {
        let work = await this.#turn(household)
        while (!signal.aborted && work.kind === 'done') {
          await runtime.sleep(PAUSE_MS, signal)
          work = await this.#turn(household)
        }
        if (signal.aborted) return
        isPutOff ||= work.kind === 'put off'
      }
      pause = isPutOff ? Math.min(RETRY_MS, intervalMs) : intervalMs
    }
  }

  async #turn(household: Household): Promise<Housework> {
    const { runtime, logger } = this.#options
    if (this.#stop.signal.aborted) return { kind: 'nothing' }
    const startedAt = runtime.monotonic()
    try {
      const work = await household.keepHouse()
      const ms = runtime.monotonic() - startedAt
      if (work.kind === 'put off') this.#figures.putOff++
      if (work.kind === 'done') {
        this.#figures.slices++
        this.#figures.longestMs = Math.max(this.#figures.longestMs, ms)
        logger.debug('housekeeping', { work: work.sql, ms: Math.round(ms) })
      }
      return work
    } catch (error) {
      // An engine that died meanwhile is somebody else's business; the next round finds a new one.
      logger.debug('housekeeping was not possible', { error: messageOf(error) })
      return { kind: 'nothing' }
    }
  }
}
