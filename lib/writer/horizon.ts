import type { HorizonMoved } from '../model/events.ts'
import type { Engine } from '../store/engine.ts'
import { jsonOf } from '../store/result-set.ts'
import { statement } from '../store/statement.ts'
import type { Step } from '../store/step.ts'

/**
 * The horizon: how long idempotency keys are remembered. At most a day, at least 15 minutes, and in between as long as
 * there are at most half a million keys. It moves by a logged event, so every store forgets the same.
 */
export interface HorizonLimits {
  maxAgeMs: number
  minAgeMs: number
  maxKeys: number
  /** Keys are counted by slices of time of this length, and the horizon moves by whole slices. */
  sliceMs: number
}

export const HORIZON_LIMITS: HorizonLimits = {
  maxAgeMs: 24 * 60 * 60 * 1_000,
  minAgeMs: 15 * 60 * 1_000,
  maxKeys: 500_000,
  sliceMs: 60_000,
}

interface Slice {
  keys: number
  /** Lowest LSN of its keys. */
  firstLsn: number
}

/**
 * Decides when the horizon moves. Counts the keys by slices of time in memory, from the steps of the store, so that
 * deciding costs no SQL: counting half a million rows would hold up a batch for a tenth of a second.
 */
export class Horizon {
  readonly #limits: HorizonLimits
  /** By number of the slice, ascending: keys come in the order of time. */
  readonly #slices = new Map<number, Slice>()
  #timeMs = 0
  #keys = 0

  constructor(limits: HorizonLimits = HORIZON_LIMITS) {
    this.#limits = limits
  }

  /** Keys that carry an earlier time are expired, ms. */
  get timeMs(): number {
    return this.#timeMs
  }

  /** Reads what a store remembers; from there on `observe` its steps. */
  async load(engine: Engine): Promise<void> {
    const [horizon, slices] = await engine.run([
      statement('select time_ms from boreal.horizon where one = 1'),
      statement(
        `select json_agg(json_build_array(slice, first_lsn, keys) order by slice) from
           (select time_ms / $1::int8 as slice, min(lsn) as first_lsn, count(*) as keys
            from boreal.idempotency group by 1) s`,
        this.#limits.sliceMs,
      ),
    ])
    this.#timeMs = jsonOf<number>(horizon)!
    this.#slices.clear()
    this.#keys = 0
    for (const [slice, firstLsn, keys] of jsonOf<[number, number, number][]>(slices) ?? []) {
      this.#slices.set(slice, { keys, firstLsn })
      this.#keys += keys
    }
  }

  /** Counts what a step remembered and forgot. */
  observe({ remembered, horizon }: Step): void {
    for (const { lsn, timeMs } of remembered) {
      const number = Math.floor(timeMs / this.#limits.sliceMs)
      const slice = this.#slices.get(number)
      if (slice === undefined) this.#slices.set(number, { keys: 1, firstLsn: lsn })
      else slice.keys++
      this.#keys++
    }
    if (horizon === undefined) return
    this.#timeMs = horizon.timeMs
    for (const [number, { keys }] of this.#slices) {
      if (number * this.#limits.sliceMs >= horizon.timeMs) break
      this.#slices.delete(number)
      this.#keys -= keys
    }
  }

  /** The event that moves the horizon to where it should be at `nowMs`; `undefined` when it need not move. */
  next(nowMs: number): HorizonMoved | undefined {
    const { maxAgeMs, minAgeMs, maxKeys, sliceMs } = this.#limits
    let keys = this.#keys
    let target: { number: number; firstLsn: number } | undefined
    let forgets = false
    for (const [number, slice] of this.#slices) {
      const tooOld = number * sliceMs + sliceMs <= nowMs - maxAgeMs
      const tooMany = keys > maxKeys && number * sliceMs + sliceMs <= nowMs - minAgeMs
      if (!tooOld && !tooMany) {
        target = { number, firstLsn: slice.firstLsn }
        break
      }
      keys -= slice.keys
      forgets = true
    }
    if (!forgets || target === undefined) return undefined
    return { event: 'horizonMoved', v: 1, timeMs: target.number * sliceMs, beforeLsn: target.firstLsn }
  }
}
