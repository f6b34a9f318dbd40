import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'

/** A store that can be kept in order, when nobody else works on it. */
export interface Household {
  keepHouse(): Promise<string[]>
}

/** Keeps the stores of a node in order, one after another, from time to time. */
export class Housekeeper {
  readonly #stop = new AbortController()

  constructor(options: {
    households(): Household[]
    runtime: Runtime
    logger: Logger
    /** Ms between rounds. */
    intervalMs: number
  }) {
    void this.#run(options)
  }

  stop(): void {
    this.#stop.abort()
  }

  async #run({ households, runtime, logger, intervalMs }: ConstructorParameters<typeof Housekeeper>[0]): Promise<void> {
    for (;;) {
      await runtime.sleep(intervalMs, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      for (const household of households()) {
        try {
          const work = await household.keepHouse()
          if (work.length > 0) logger.debug('housekeeping', { work })
        } catch (error) {
          // An engine that died meanwhile is somebody else's business; the next round finds a new one.
          logger.debug('housekeeping was not possible', { error: messageOf(error) })
        }
      }
    }
  }
}
