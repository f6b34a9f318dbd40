import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Tail } from './tail.ts'

/** While the log does not move, looks become rarer up to this factor. */
const MAX_BACKOFF = 4

/** Where entries are pushed to this node it looks by itself only so often, in case that whoever pushes them is wrong. */
const RARELY_MS = 30_000

/** And when whoever pushes them has not known himself for so long where the log ends, ms. */
const HEARSAY_MS = 5_000

export interface PollerOptions {
  tail: Tail
  runtime: Runtime
  logger: Logger
  /** Asked before each look; 0 at the beginning does nothing at all. */
  intervalMs(): number
  /** Whether another node pushes what it knows, and is heard. */
  isPushed?(): boolean
}

/**
 * Looks at the end of the log from time to time, so that weak reads do not age on a node to which nobody writes.
 * Rests while anything else confirms the tail anyway, and while entries are pushed; backs off while nothing happens.
 */
export class Poller {
  readonly #stop = new AbortController()

  constructor(options: PollerOptions) {
    if (options.intervalMs() > 0) void this.#run(options)
  }

  stop(): void {
    this.#stop.abort()
  }

  async #run({ tail, runtime, logger, intervalMs, isPushed = () => false }: PollerOptions): Promise<void> {
    let backoff = 1
    let said: string | undefined
    let lookedAt = runtime.monotonic()
    while (!this.#stop.signal.aborted) {
      const pauseMs = intervalMs()
      await runtime.sleep(pauseMs * backoff, this.#stop.signal)
      if (this.#stop.signal.aborted) continue
      if (isPushed()) {
        // As soon as it is silent there is to be a look.
        backoff = 1
        if (tail.ageMs < HEARSAY_MS && runtime.monotonic() - lookedAt < RARELY_MS) continue
      } else if (tail.ageMs < pauseMs) continue
      const before = tail.known
      lookedAt = runtime.monotonic()
      try {
        await tail.confirm()
        said = undefined
      } catch (error) {
        if (said !== messageOf(error)) logger.warn('the log cannot be followed', { error: messageOf(error) })
        said = messageOf(error)
      }
      backoff = tail.known > before ? 1 : Math.min(backoff * 2, MAX_BACKOFF)
    }
  }
}
