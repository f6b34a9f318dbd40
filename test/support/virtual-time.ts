import { setImmediate } from 'node:timers/promises'
import type { Runtime } from '../../lib/model/runtime.ts'

interface Timer {
  at: number
  runtime: VirtualRuntime
  fire(): void
}

/** Time that passes only when a test says so; hours of it take a moment. */
export class VirtualTime {
  #now = 0
  #timers: Timer[] = []
  #ids = 0
  /** Asked after everything that happens. */
  onTurn: () => void = () => undefined

  get now(): number {
    return this.#now
  }

  /** A process in this time, with a wall clock that is wrong by `skewMs`. */
  runtime(skewMs = 0): VirtualRuntime {
    return new VirtualRuntime(this, skewMs)
  }

  newId(): string {
    return `id-${++this.#ids}`
  }

  add(timer: Timer): void {
    this.#timers.push(timer)
  }

  remove(timer: Timer): void {
    this.#timers = this.#timers.filter((each) => each !== timer)
  }

  /** Lets time pass; what is due happens in its order, one after another. */
  async pass(ms: number): Promise<void> {
    const end = this.#now + ms
    await setImmediate()
    for (;;) {
      const due = this.#timers.filter(({ at, runtime }) => at <= end && !runtime.stopped)
      const next = due.reduce<Timer | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined)
      if (next === undefined) break
      this.#now = Math.max(this.#now, next.at)
      next.fire()
      await setImmediate()
      this.onTurn()
    }
    this.#now = end
  }
}

/** The runtime of one process. */
export class VirtualRuntime implements Runtime {
  /** While it is, nothing of it happens; what was due in the meantime happens afterwards. */
  stopped = false
  readonly #time: VirtualTime
  readonly #skewMs: number
  readonly random = () => 0.5

  constructor(time: VirtualTime, skewMs: number) {
    this.#time = time
    this.#skewMs = skewMs
  }

  readonly now = () => 1_800_000_000_000 + this.#time.now + this.#skewMs
  readonly monotonic = () => this.#time.now
  readonly newId = () => this.#time.newId()

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const fire = () => {
        this.#time.remove(timer)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const timer: Timer = { at: this.#time.now + ms, runtime: this, fire }
      // Also what is woken waits for its turn, so that a stopped process stays stopped.
      const wake = () => (timer.at = Math.min(timer.at, this.#time.now))
      signal?.addEventListener('abort', wake)
      this.#time.add(timer)
    })
  }
}
