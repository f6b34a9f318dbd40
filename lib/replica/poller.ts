import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Tail } from './tail.ts'

/** While the log does not move, looks become rarer up to this factor. */
const MAX_BACKOFF = 4

/**
 * Looks at the end of the log from time to time, so that weak reads do not age on a node to which nobody writes.
 * Rests while anything else confirms the tail anyway, and backs off while nothing happens.
 */
export class Poller {
  readonly #stop = new AbortController()

  /** @param options.intervalMs asked before each look; 0 at the beginning does nothing at all. */
  constructor(options: { tail: Tail; runtime: Runtime; logger: Logger; intervalMs: () => number }) {
    if (options.intervalMs() > 0) void this.#run(options)
  }

  stop(): void {
    this.#stop.abort()
  }

  async #run({ tail, runtime, logger, intervalMs }: ConstructorParameters<typeof Poller>[0]): Promise<void> {
    let backoff = 1
    while (!this.#stop.signal.aborted) {
      const pauseMs = intervalMs()
      await runtime.sleep(pauseMs * backoff, this.#stop.signal)
      if (this.#stop.signal.aborted || tail.ageMs < pauseMs) continue
      const before = tail.known
      try {
        await tail.confirm()
      } catch (error) {
        logger.warn('the log cannot be followed', { error: messageOf(error) })
      }
      backoff = tail.known > before ? 1 : Math.min(backoff * 2, MAX_BACKOFF)
    }
  }
}
