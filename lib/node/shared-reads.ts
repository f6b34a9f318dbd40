/** A read of one thing, and the one behind it that somebody waits for. */
interface Reads {
  running: Promise<unknown>
  next?: Promise<unknown>
}

/**
 * Reads of one large thing, one at a time. Who asks while one is on its way shares the next one with all who ask until it
 * begins: it begins after each of them has asked, so it shows each of them what a read of his own would. Two hundred
 * clients that want what is changing would otherwise have it put together two hundred times. Nobody waits for more than two
 * reads.
 */
export class SharedReads {
  readonly #reads = new Map<string, Reads>()

  /** `key` names what is read, at which consistency; `begin` reads it, and is called for the first one who asks. */
  read<T>(key: string, begin: () => Promise<T>): Promise<T> {
    const reads = this.#reads.get(key)
    if (reads === undefined) return this.#begin(key, begin)
    const beginNext = () => this.#begin(key, begin)
    reads.next ??= reads.running.then(beginNext, beginNext)
    return reads.next as Promise<T>
  }

  #begin<T>(key: string, begin: () => Promise<T>): Promise<T> {
    const running = begin()
    const reads: Reads = { running }
    this.#reads.set(key, reads)
    const ended = () => {
      if (reads.next === undefined) this.#reads.delete(key)
    }
    running.then(ended, ended)
    return running
  }
}
