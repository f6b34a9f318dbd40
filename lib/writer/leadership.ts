import type { Lease, LeaseStore } from '../log/lease.ts'
import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { Mutex } from '../store/mutex.ts'
import type { Duty } from './duty.ts'
import {
  aliveForMs,
  LEASE_SETTINGS,
  type LeaseMoment,
  type LeaseSettings,
  type LeaseSight,
  NO_SIGHT,
  released,
  renewed,
  sighted,
  taken,
} from './lease-rules.ts'

export interface LeadershipOptions {
  leases: LeaseStore
  /** This process as a writer, and the URL at which it takes requests. */
  self: Pick<Lease, 'holder' | 'endpoint'>
  runtime: Runtime
  logger: Logger
  settings?: Partial<LeaseSettings> | undefined
  /** Brings the store to the end of the log. */
  catchUp(): Promise<unknown>
  /** Ms for which appends have been tried without success; 0 when there is nothing amiss. */
  stuckMs(): number
  /** Ms since the end of the log was last known. */
  tailAgeMs(): number
  /** Resolves when nothing that was taken in is left. */
  drained(): Promise<void>
}

/** Who leads, as far as a node knows. */
export interface Leader {
  writer: string
  endpoint: string
  term: number
  /** Below 0: the lease has run out, and its holder goes on appending. */
  expiresInMs: number
}

/** `leaving`: it takes nothing in any more and finishes what it has. */
type Role = 'follower' | 'leader' | 'leaving'

/** What was taken in gets so long to be finished before the lease is given back all the same. */
const LONGEST_DRAIN_MS = 10_000

/** So long a node that has given the lease back waits for somebody to take it. */
const SUCCESSOR_MS = 3_000

/**
 * A node's part in the lease: takes it when it may, renews it, watches it, gives it back. That only makes writing efficient
 * and tells others where to send requests: a node that leads wrongly can only lose races for slots.
 */
export class Leadership implements Duty {
  readonly #options: LeadershipOptions
  readonly #settings: LeaseSettings
  readonly #stopped = new AbortController()
  /** One request about the lease at a time. */
  readonly #turns = new Mutex()
  #role: Role = 'follower'
  #sight: LeaseSight = NO_SIGHT
  /** It will not take the lease any more. */
  #retired = false
  /** Monotonic time before which it does not take the lease. */
  #notBefore = Number.NEGATIVE_INFINITY
  #wake = new AbortController()
  readonly #waiting = new Set<() => void>()
  #handedOver: Promise<void> | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(options: LeadershipOptions) {
    this.#options = options
    this.#settings = { ...LEASE_SETTINGS, ...options.settings }
  }

  /** Looks once, takes the lease if it may, and goes on by itself. */
  async start(): Promise<void> {
    await this.#turn()
    this.#running = this.#run()
  }

  /** Whether this node takes transactions in. */
  get leads(): boolean {
    return this.#role === 'leader'
  }

  /** The highest term that was seen. */
  get term(): number {
    return this.#sight.lease?.term ?? 0
  }

  /** Who leads and is alive, be it this node. */
  get leader(): Leader | undefined {
    const { lease } = this.#sight
    if (lease === undefined || lease.holder === '') return undefined
    const isOurs = lease.holder === this.#options.self.holder
    if (isOurs ? this.#role === 'follower' : this.#aliveForMs() === 0) return undefined
    const { holder: writer, endpoint, term, expiresMs } = lease
    return { writer, endpoint, term, expiresInMs: Math.round(expiresMs - this.#options.leases.serverClock.now()) }
  }

  /** The same, if it is not this node. */
  get other(): Leader | undefined {
    const { leader } = this
    return leader?.writer === this.#options.self.holder ? undefined : leader
  }

  accepts(): boolean {
    return this.#role === 'leader'
  }

  appends(): boolean {
    return this.#role !== 'follower'
  }

  lostTo(writer: string): void {
    this.sawEntry(writer)
  }

  /** An entry of this writer's was seen at the end of the log. */
  sawEntry(writer: string): void {
    if (writer === this.#sight.lease?.holder) this.#sight = { ...this.#sight, entryAt: this.#moment().monotonic }
    // Somebody else writes: he may hold the lease by now.
    else if (this.#role !== 'follower') this.#lookSoon()
  }

  /** Resolves when who leads has changed, or after `ms`, or when nobody waits any more. */
  async nextChange(ms: number, unless?: AbortSignal): Promise<void> {
    const changed = new AbortController()
    const signal = unless === undefined ? changed.signal : AbortSignal.any([changed.signal, unless])
    const tell = () => changed.abort()
    this.#waiting.add(tell)
    await this.#options.runtime.sleep(ms, signal)
    this.#waiting.delete(tell)
  }

  /**
   * Gives the lease back, in the order in which nobody waits: whoever watches is told, nothing new is taken in, what is on
   * its way is finished, the lease is nobody's. Returns when somebody else leads, or nobody does for some seconds.
   */
  handOver(): Promise<void> {
    this.#retired = true
    this.#handedOver ??= this.#handOver()
    return this.#handedOver
  }

  /** Ends. The lease is not given back: see `handOver`. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#lookSoon()
    this.#become('follower')
    await this.#running
  }

  async #handOver(): Promise<void> {
    const { runtime, logger } = this.#options
    if (this.#role !== 'leader') return
    logger.info('handing over', { term: this.term })
    await this.#turn()
    await runtime.sleep(this.#settings.noticeMs, this.#stopped.signal)
    if (this.#role !== 'leader') return
    this.#become('leaving')
    const drained = new AbortController()
    await Promise.race([this.#options.drained(), runtime.sleep(LONGEST_DRAIN_MS, drained.signal)])
    drained.abort()
    await this.#turns.run(() => this.#release())
    const end = runtime.monotonic() + SUCCESSOR_MS
    while (this.leader === undefined && runtime.monotonic() < end && !this.#stopped.signal.aborted) {
      await this.nextChange(this.#settings.quickLookMs)
    }
  }

  async #run(): Promise<void> {
    const { runtime } = this.#options
    while (!this.#stopped.signal.aborted) {
      await runtime.sleep(this.#pauseMs(), this.#wake.signal)
      this.#wake = new AbortController()
      if (!this.#stopped.signal.aborted) await this.#turn()
    }
  }

  #pauseMs(): number {
    const { renewMs, lookMs, quickLookMs } = this.#settings
    if (this.#role !== 'follower') return renewMs
    const { lease, changedAt } = this.#sight
    const changesHands = lease?.leaving || (lease?.holder === '' && this.#retired)
    if (changesHands && this.#moment().monotonic - changedAt < SUCCESSOR_MS) return quickLookMs
    // When the lease runs out, somebody should look just then.
    const aliveForMs = this.#aliveForMs()
    return aliveForMs === 0 ? lookMs : Math.max(quickLookMs, Math.min(lookMs, aliveForMs))
  }

  #turn(): Promise<void> {
    return this.#turns.run(async () => {
      try {
        await (this.#role === 'follower' ? this.#look() : this.#renew())
      } catch (error) {
        this.#options.logger.warn('the lease cannot be looked at', { error: messageOf(error) })
        const { stuckMs, tailAgeMs } = this.#options
        const { stepDownMs } = this.#settings
        const unheard = this.#moment().monotonic - this.#sight.changedAt
        if (this.#role !== 'follower' && (stuckMs() >= stepDownMs || Math.min(tailAgeMs(), unheard) >= stepDownMs)) {
          await this.#stepDown('the log has not answered')
        }
      }
    })
  }

  async #look(): Promise<void> {
    const { leases, self, catchUp, stuckMs } = this.#options
    this.#see(await leases.read())
    if (!this.#mayTake()) return
    const caughtUp = catchUp()
    caughtUp.catch(() => undefined)
    // Who cannot read the log cannot lead; and what he reads may be a sign of life. A lease that was given back in order
    // waits for nothing: to lead one needs only to append.
    const { lease: found } = this.#sight
    if (found?.holder !== '' || !found.leaving) await caughtUp
    // What is on its way is seen to its end first.
    if (stuckMs() > 0 || !this.#mayTake()) return
    const { lease } = this.#sight
    // An earlier request of ours may have come through without our knowing.
    const ours = lease?.holder === self.holder
    const next = ours
      ? renewed(lease, false, this.#moment(), this.#settings)
      : taken(lease, self, this.#moment(), this.#settings)
    if (!(await leases.swap(lease, next))) return
    this.#see(next)
    this.#become('leader')
  }

  #mayTake(): boolean {
    if (this.#retired || this.#stopped.signal.aborted || this.#moment().monotonic < this.#notBefore) return false
    return this.#sight.lease?.holder === this.#options.self.holder || this.#aliveForMs() === 0
  }

  async #renew(): Promise<void> {
    const { leases, self, stuckMs } = this.#options
    if (stuckMs() >= this.#settings.stepDownMs) return this.#stepDown('nothing could be appended')
    const held = this.#sight.lease!
    const next = renewed(held, this.#retired, this.#moment(), this.#settings)
    if (await leases.swap(held, next)) return this.#see(next)
    const found = await leases.read()
    this.#see(found)
    // A renewal whose answer was lost is ours all the same.
    if (found?.holder === self.holder && found.term === held.term) return this.#lookSoon()
    this.#become('follower')
  }

  /** Leaves the lease to others for a while. */
  async #stepDown(reason: string): Promise<void> {
    const { logger } = this.#options
    logger.error('stepping down', { reason, term: this.term })
    this.#notBefore = this.#moment().monotonic + 2 * this.#settings.leaseMs
    await this.#release()
  }

  async #release(): Promise<void> {
    const { leases, logger } = this.#options
    if (this.#role === 'follower') return
    const held = this.#sight.lease!
    this.#become('follower')
    try {
      const next = released(held)
      if (await leases.swap(held, next)) this.#see(next)
    } catch (error) {
      logger.warn('the lease could not be given back; it runs out', { error: messageOf(error) })
    }
    this.#lookSoon()
  }

  #see(lease: Lease | undefined): void {
    const before = this.#sight.lease
    this.#sight = sighted(this.#sight, lease, this.#moment().monotonic)
    if (before?.holder !== lease?.holder || before?.term !== lease?.term) this.#tell()
  }

  #become(role: Role): void {
    if (this.#role === role) return
    this.#role = role
    const { logger } = this.#options
    const { lease } = this.#sight
    if (role === 'leader') logger.info('this node leads', { term: this.term })
    if (role === 'follower') logger.info('this node follows', { term: this.term, leader: lease?.endpoint })
    this.#tell()
  }

  #tell(): void {
    for (const tell of this.#waiting) tell()
  }

  #lookSoon(): void {
    this.#wake.abort()
  }

  #aliveForMs(): number {
    return aliveForMs(this.#sight, this.#moment(), this.#settings)
  }

  #moment(): LeaseMoment {
    const { leases, runtime } = this.#options
    return { server: leases.serverClock.now(), monotonic: runtime.monotonic() }
  }
}
