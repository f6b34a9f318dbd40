import type { Follower } from '../replica/follower.ts'
import { textOf } from '../store/result-set.ts'
import { statement } from '../store/statement.ts'

export interface WatermarkOptions {
  follower: Follower
  /** Memory that the store's engine may take, bytes. */
  limitBytes: number
  /** Ms between looks. Default 1,000. */
  intervalMs?: number
}

/** Rows by the counters of the jobs, so that looking costs the number of jobs. */
const COUNT_ROWS = statement('select coalesce(sum(active + terminal + init), 0) from job_summary')

/** Once full, additions are taken again when so much of the rows has gone: their space is used again. */
const RELIEF = 0.9

/**
 * Watches the memory of the store. Above the limit additions are refused, because an engine that runs out of memory
 * takes everybody with it; removals go on. An engine never gives memory back, so what counts then is the rows.
 */
export class Watermark {
  readonly #options: WatermarkOptions
  readonly #timer: NodeJS.Timeout
  #bytes = 0
  #rowsWhenFull: number | undefined
  #full = false

  constructor(options: WatermarkOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.look().catch(() => undefined), options.intervalMs ?? 1_000)
    this.#timer.unref()
  }

  /** Whether additions are refused. */
  get full(): boolean {
    return this.#full
  }

  /** Memory of the engine at which additions are refused, bytes. */
  get limitBytes(): number {
    return this.#options.limitBytes
  }

  /** Memory of the engine at the last look, bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /** Measures and decides. */
  async look(): Promise<void> {
    const { follower, limitBytes } = this.#options
    this.#bytes = await follower.engine.memory()
    if (this.#bytes < limitBytes) {
      this.#full = false
      this.#rowsWhenFull = undefined
      return
    }
    const { results } = await follower.read([COUNT_ROWS])
    const rows = Number(textOf(results[0]!.rows[0]![0]))
    this.#rowsWhenFull ??= rows
    this.#full = rows >= this.#rowsWhenFull * (this.#full ? RELIEF : 1)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
