/** Runs one function at a time, in the order of the calls. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve()
  #running = 0

  /** Whether somebody waits for his turn. */
  get contended(): boolean {
    return this.#running > 1
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#running++
    const result = this.#last.then(work, work)
    this.#last = result.catch(() => undefined).finally(() => this.#running--)
    return result
  }
}
