import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Lease, LeaseStore } from '../../lib/log/lease.ts'
import { MemoryLease } from '../../lib/log/memory-lease.ts'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { Leadership } from '../../lib/writer/leadership.ts'
import { LEASE_SETTINGS } from '../../lib/writer/lease-rules.ts'
import { type VirtualRuntime, VirtualTime } from '../support/virtual-time.ts'

const { leaseMs, lookMs, stepDownMs, noticeMs } = LEASE_SETTINGS

/** How long a request about the lease takes, there and back. */
const TRIP_MS = 5

/** A node as far as the lease is concerned: it appends an entry each 20 ms while it is to, and looks at those of others. */
class SimNode {
  readonly leadership: Leadership
  readonly runtime: VirtualRuntime
  readonly holder: string
  /** Faults. */
  leaseAway = false
  logAway = false
  answersLost = false
  writes = true
  dead = false
  #seen = 0
  #stuckSince: number | undefined
  readonly #world: World

  constructor(world: World, index: number, skewMs: number) {
    this.#world = world
    this.holder = `w${index}`
    this.runtime = world.time.runtime(skewMs)
    const { runtime } = this
    this.leadership = new Leadership({
      leases: this.#leases(),
      self: { holder: this.holder, endpoint: `http://${this.holder}` },
      runtime,
      logger: silentLogger,
      catchUp: async () => {
        await runtime.sleep(TRIP_MS)
        this.#read()
      },
      stuckMs: () => (this.#stuckSince === undefined ? 0 : runtime.monotonic() - this.#stuckSince),
      tailAgeMs: () => 0,
      drained: () => runtime.sleep(10),
    })
  }

  start(): void {
    void this.leadership.start()
    void this.#live()
  }

  async #live(): Promise<void> {
    while (!this.dead) {
      await this.runtime.sleep(20)
      if (this.#world.quiet && this.leadership.appends() && this.writes) continue
      if (this.leadership.appends() && this.writes) {
        if (this.logAway) this.#stuckSince ??= this.runtime.monotonic()
        else {
          this.#stuckSince = undefined
          this.#world.entries.push(this.holder)
        }
      } else this.#stuckSince = undefined
      if (!this.logAway) this.#read()
    }
  }

  #read(): void {
    const { entries } = this.#world
    if (this.logAway) throw new Error('the log is away')
    const last = entries.at(-1)
    if (entries.length > this.#seen && last !== this.holder) this.leadership.sawEntry(last!)
    this.#seen = entries.length
  }

  #leases(): LeaseStore {
    const { runtime } = this
    const inner = new MemoryLease(this.#world.table, runtime)
    const request = async <T>(work: () => Promise<T>): Promise<T> => {
      await runtime.sleep(TRIP_MS)
      if (this.leaseAway || this.dead) throw new Error('the lease is away')
      const answer = await work()
      await runtime.sleep(TRIP_MS)
      if (this.answersLost) throw new Error('the answer was lost')
      return answer
    }
    return {
      serverClock: inner.serverClock,
      read: () => request(() => inner.read()),
      swap: (from: Lease | undefined, to: Lease) => request(() => inner.swap(from, to)),
      close: () => undefined,
    }
  }

  /** As by `kill -9`: nothing of it happens any more. */
  kill(): void {
    this.dead = true
    this.runtime.stopped = true
  }
}

class World {
  readonly time = new VirtualTime()
  readonly table = new MemoryTable()
  /** The writer of each entry of the log. */
  readonly entries: string[] = []
  /** Nobody submits anything. */
  quiet = false
  readonly nodes: SimNode[]
  /** Who was seen to lead at a term. */
  readonly holders = new Map<number, Set<string>>()
  readonly #terms = new Map<string, number>()

  constructor(skews: number[] = [0, 0]) {
    this.nodes = skews.map((skewMs, index) => new SimNode(this, index, skewMs))
    this.time.onTurn = () => this.#check()
    for (const node of this.nodes) node.start()
  }

  get leaders(): SimNode[] {
    return this.nodes.filter(({ leadership, dead }) => leadership.leads && !dead)
  }

  /** Lets time pass until one node leads, and gives it. */
  async leader(mostMs = 10_000): Promise<SimNode> {
    for (let waited = 0; waited < mostMs; waited += 5) {
      if (this.leaders.length === 1) return this.leaders[0]!
      await this.time.pass(5)
    }
    throw new Error(`${this.leaders.length} nodes lead`)
  }

  other(than: SimNode): SimNode {
    return this.nodes.find((node) => node !== than)!
  }

  #check(): void {
    const inTable = this.table.lease?.term ?? 0
    for (const { holder, term } of [
      ...this.nodes.map((node) => ({ holder: node.holder, term: node.leadership.term })),
      { holder: 'table', term: inTable },
    ]) {
      if (term < (this.#terms.get(holder) ?? 0)) throw new Error(`the term of ${holder} went back to ${term}`)
      this.#terms.set(holder, term)
    }
    for (const { leadership, holder } of this.nodes) {
      if (!leadership.leads) continue
      const holders = this.holders.get(leadership.term) ?? new Set()
      this.holders.set(leadership.term, holders.add(holder))
      if (holders.size > 1) throw new Error(`${[...holders]} lead at term ${leadership.term}`)
    }
  }
}

test('of two nodes that start together one leads, and the other knows where it is', async () => {
  const world = new World()
  const leader = await world.leader()
  await world.time.pass(60_000)
  expect(world.leaders).toEqual([leader])
  expect(world.table.lease?.term).toBe(1)
  expect(world.other(leader).leadership.other).toMatchObject({ endpoint: `http://${leader.holder}`, term: 1 })
  expect(leader.leadership.other).toBeUndefined()
})

test('a node takes over from one that was killed, and its term is the next one', async () => {
  const world = new World()
  const leader = await world.leader()
  await world.time.pass(2_345)
  const killedAt = world.time.now
  leader.kill()
  const next = await world.leader()
  expect(next).not.toBe(leader)
  expect(world.time.now - killedAt).toBeGreaterThan(leaseMs - 1_000)
  expect(world.time.now - killedAt).toBeLessThan(leaseMs + lookMs)
  expect(next.leadership.term).toBe(2)
})

test('a follower does not take over while entries advance, whatever the lease says', async () => {
  const world = new World()
  const leader = await world.leader()
  await world.time.pass(1_000)
  leader.leaseAway = true
  await world.time.pass(30_000)
  expect(world.leaders).toEqual([leader])
  expect(world.table.lease!.expiresMs).toBeLessThan(leader.runtime.now() - 20_000)
  expect(world.other(leader).leadership.other?.expiresInMs).toBeLessThan(0)
  leader.writes = false
  const stoppedAt = world.time.now
  await world.time.pass(2_000)
  expect(world.other(leader).leadership.leads).toBe(true)
  expect(world.time.now - stoppedAt).toBeLessThanOrEqual(2_000)
})

test('one that was stopped for long comes back as a follower by itself, and stays one', async () => {
  const world = new World()
  const leader = await world.leader()
  await world.time.pass(1_000)
  leader.runtime.stopped = true
  await world.time.pass(30_000)
  expect(leader.leadership.leads).toBe(true)
  leader.runtime.stopped = false
  await world.time.pass(100)
  expect(leader.leadership.leads).toBe(false)
  expect(leader.leadership.term).toBe(2)
  await world.time.pass(30_000)
  expect(world.leaders).toEqual([world.other(leader)])
})

test('one that cannot append steps down, and leaves the lease to others', async () => {
  const world = new World()
  const leader = await world.leader()
  leader.logAway = true
  const since = world.time.now
  await world.time.pass(stepDownMs - 500)
  expect(world.leaders).toEqual([leader])
  await world.time.pass(1_500)
  expect(world.leaders).toEqual([world.other(leader)])
  expect(world.time.now - since).toBeLessThan(stepDownMs + 2_000)
})

test('one that is alone and cannot append leads again when it can', async () => {
  const world = new World([0])
  const leader = await world.leader()
  leader.logAway = true
  await world.time.pass(60_000)
  expect(leader.leadership.leads).toBe(false)
  leader.logAway = false
  await world.time.pass(4_000)
  expect(leader.leadership.leads).toBe(true)
})

test('a handover leaves hardly a moment without a leader', async () => {
  const world = new World()
  const leader = await world.leader()
  const next = world.other(leader)
  let [lastLed, firstLed] = [0, 0]
  const check = world.time.onTurn
  world.time.onTurn = () => {
    check()
    if (leader.leadership.leads) lastLed = world.time.now
    if (next.leadership.leads && firstLed === 0) firstLed = world.time.now
  }
  await world.time.pass(777)
  void leader.leadership.handOver()
  await world.time.pass(noticeMs + 300)
  expect(firstLed).toBeGreaterThan(lastLed)
  // What it had was drained for 10 ms of that.
  expect(firstLed - lastLed).toBeLessThan(100)
  expect(leader.leadership.other?.writer).toBe(next.holder)
  // Nor does it take the lease again, should the other one end.
  next.kill()
  await world.time.pass(20_000)
  expect(leader.leadership.leads).toBe(false)
})

test('clocks that are wrong by as much as the header allows take no lease from who renews it', async () => {
  for (const skews of [
    [0, 900],
    [900, 0],
    [-450, 450],
    [450, -450],
  ]) {
    const world = new World(skews)
    const leader = await world.leader()
    world.quiet = true
    await world.time.pass(60_000)
    expect(world.leaders, String(skews)).toEqual([leader])
    leader.kill()
    const killedAt = world.time.now
    await world.leader()
    expect(world.time.now - killedAt, String(skews)).toBeLessThan(leaseMs + 1_000 + lookMs)
  }
})

const faults = fc.constantFrom('stopped', 'leaseAway', 'logAway', 'answersLost', 'noWrites', 'quiet')

test('two nodes never lead at one term, the term never goes back, and at the end somebody leads', async () => {
  const step = fc.record({ node: fc.nat(2), fault: faults, on: fc.boolean(), ms: fc.integer({ min: 1, max: 4_000 }) })
  const skews = fc.array(fc.integer({ min: -450, max: 450 }), { minLength: 3, maxLength: 3 })
  const history = fc.record({ skews, steps: fc.array(step, { minLength: 5, maxLength: 40 }) })
  await fc.assert(
    fc.asyncProperty(history, async ({ skews, steps }) => {
      const world = new World(skews)
      for (const { node, fault, on, ms } of steps) {
        const of = world.nodes[node]!
        if (fault === 'stopped') of.runtime.stopped = on
        else if (fault === 'quiet') world.quiet = on
        else if (fault === 'noWrites') of.writes = !on
        else of[fault] = on
        await world.time.pass(ms)
      }
      for (const node of world.nodes) {
        node.runtime.stopped = false
        Object.assign(node, { leaseAway: false, logAway: false, answersLost: false, writes: true })
      }
      await world.time.pass(15_000)
      expect(world.leaders).toHaveLength(1)
    }),
    { numRuns: Number(process.env.LEASE_RUNS ?? 40) },
  )
})
