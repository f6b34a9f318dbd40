import type { Runtime } from '../model/runtime.ts'

/** Behind a read the store is left to others for so many times as long as it took, if it took longer than a small one. */
const OTHERS_SHARE = 4
const SMALL_MS = 5
/** But not for longer than this: what took its time may have waited for a reader, or for the log. */
const MOST_REST_MS = 250

/** A read of one thing, and the one behind it that somebody waits for. */
interface Reads {
  running: Promise<unknown>
  beganAt: number
  next?: Promise<unknown>
}

/**
 * Reads of one large thing, one at a time. Who asks while one is on its way shares the next one with all who ask until it
 * begins: it begins after each of them has asked, so it shows each of them what a read of his own would. Two hundred
 * clients that want what is changing would otherwise have it put together two hundred times. Nobody waits for more than two
 * reads and the rest between them.
 */
export class SharedReads {
  readonly #runtime: Runtime
  readonly #reads = new Map<string, Reads>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** `key` names what is read, at which consistency; `begin` reads it, and is called for the first one who asks. */
  read<T>(key: string, begin: () => Promise<T>): Promise<T> {
    const reads = this.#reads.get(key)
    if (reads === undefined) return this.#begin(key, begin)
    const beginNext = () => {
      const restMs = this.#restMs(reads)
      if (restMs === 0) return this.#begin(key, begin)
      return this.#runtime.sleep(restMs).then(() => this.#begin(key, begin))
    }
    reads.next ??= reads.running.then(beginNext, beginNext)
    return reads.next as Promise<T>
  }

  #begin<T>(key: string, begin: () => Promise<T>): Promise<T> {
    const beganAt = this.#runtime.monotonic()
    const running = begin()
    const reads: Reads = { running, beganAt }
    this.#reads.set(key, reads)
    const ended = () => {
      if (reads.next === undefined) this.#reads.delete(key)
    }
    running.then(ended, ended)
    return running
  }

  /** What changes all the time would otherwise be put together all the time, and the writer has the same processor. */
  #restMs({ beganAt }: Reads): number {
    const took = this.#runtime.monotonic() - beganAt
    return took > SMALL_MS ? Math.min(MOST_REST_MS, OTHERS_SHARE * took) : 0
  }
}
