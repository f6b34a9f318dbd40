import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ServerClockEstimate } from '../../lib/log/server-clock.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'

/** The estimate is rounded to the millisecond. */
const ROUNDING_MS = 1

const YEAR_MS = 365 * 24 * 60 * 60 * 1_000

/** A machine and a server with clocks of their own, and what is between them. */
class World {
  monotonic = 1_000
  /** Server time and local time, less the monotonic one. */
  server: number
  local: number
  readonly estimate: ServerClockEstimate

  constructor(server: number, local: number) {
    this.server = server
    this.local = local
    this.estimate = new ServerClockEstimate({
      ...systemRuntime,
      monotonic: () => this.monotonic,
      now: () => this.monotonic + this.local,
    })
  }

  /** A request that takes `there` and `back` ms after a silence; the answer's date is cut to the second. */
  ask({ silence, there, back }: Sample): void {
    this.monotonic += silence
    const sentAt = this.monotonic
    this.monotonic += there
    const date = Math.floor((this.monotonic + this.server) / 1_000) * 1_000
    this.monotonic += back
    this.estimate.observe(sentAt, this.monotonic, date)
  }

  /** How far the estimate is from the server's clock. */
  get error(): number {
    return Math.abs(this.estimate.now() - (this.monotonic + this.server))
  }
}

interface Sample {
  silence: number
  there: number
  back: number
}

const clock = fc.integer({ min: YEAR_MS, max: 60 * YEAR_MS })
const delay = fc.oneof(fc.nat(5), fc.nat(2_000))
const sample: fc.Arbitrary<Sample> = fc.record({ silence: fc.nat(100_000), there: delay, back: delay })

const roundTrip = ({ there, back }: Sample) => there + back

test('is within a second and the quickest round trip of the server, whatever the local clock says', () => {
  fc.assert(
    fc.property(clock, clock, fc.array(sample, { minLength: 1 }), (server, local, samples) => {
      const world = new World(server, local)
      for (const [index, each] of samples.entries()) {
        world.ask(each)
        const quickest = Math.min(...samples.slice(0, index + 1).map(roundTrip))
        expect(world.error).toBeLessThanOrEqual(1_000 + quickest + ROUNDING_MS)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('comes closer with every answer, to some milliseconds after many', () => {
  const world = new World(20 * YEAR_MS, 30 * YEAR_MS)
  for (let index = 0; index < 1_000; index++) world.ask({ silence: 137, there: 1, back: 1 })
  expect(world.error).toBeLessThanOrEqual(2 + ROUNDING_MS)
})

test('believes the local clock while that is right', () => {
  fc.assert(
    fc.property(clock, fc.array(sample), (server, samples) => {
      const world = new World(server, server)
      for (const each of samples) world.ask(each)
      expect(world.error).toBeLessThanOrEqual(ROUNDING_MS)
      if (samples.length > 0) expect(Math.abs(world.estimate.skewMs!)).toBeLessThanOrEqual(ROUNDING_MS)
    }),
  )
})

test('is right again with the first answer after any of the clocks was set', () => {
  const step = fc.oneof(
    fc.constant(0),
    fc.integer({ min: -3_000, max: 3_000 }),
    fc.integer({ min: -YEAR_MS, max: YEAR_MS }),
  )
  const steps = fc.array(fc.record({ sample, server: step, local: step }), { minLength: 1 })
  fc.assert(
    fc.property(clock, clock, steps, (server, local, steps) => {
      const world = new World(server, local)
      for (const each of steps) {
        world.server += each.server
        world.local += each.local
        world.ask(each.sample)
        expect(world.error).toBeLessThanOrEqual(1_000 + roundTrip(each.sample) + ROUNDING_MS)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('follows a server whose clock drifts', () => {
  const world = new World(20 * YEAR_MS, 30 * YEAR_MS)
  for (let index = 0; index < 10_000; index++) {
    world.server += 3
    world.ask({ silence: 997, there: 2, back: 2 })
    expect(world.error).toBeLessThanOrEqual(1_000 + 4 + ROUNDING_MS)
  }
})

test('is the local clock until there is an answer, and knows no skew', () => {
  const world = new World(20 * YEAR_MS, 30 * YEAR_MS)
  expect(world.estimate.now()).toBe(world.monotonic + world.local)
  expect(world.estimate.skewMs).toBeUndefined()
  world.estimate.observe(0, 1, Date.parse('no date'))
  expect(world.estimate.skewMs).toBeUndefined()
  world.ask({ silence: 0, there: 0, back: 0 })
  expect(Math.abs(world.estimate.skewMs! - 10 * YEAR_MS)).toBeLessThanOrEqual(1_000)
})
