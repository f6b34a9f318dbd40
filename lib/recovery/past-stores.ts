import { LogTrimmed } from '../log/corrupt-entry.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import { stopping } from '../model/stopping.ts'
import type { HeldStore } from '../replica/held-store.ts'
import type { ProgressMeter } from '../replica/progress.ts'
import { NeverBegun, type Reader } from '../replica/reader.ts'
import { EngineDied } from '../store/engine-died.ts'
import type { ResultSet } from '../store/result-set.ts'
import type { Statement } from '../store/statement.ts'
import { oldestRestorable } from './oldest.ts'
import { type PastStoreContext, restorePoint, type Variant } from './past-store.ts'
import { type Point, textOfPoint } from './point.ts'

/** A store that stands at a point and stays there. To be closed by whoever opened it, and not used after that. */
export interface PastStore extends HeldStore {
  readonly point: Point
  /** One statement of a user's, read-only; at most `maxRows` rows. */
  query(statement: Statement, maxRows: number): Promise<ResultSet>
  close(): void
}

export interface PastSettings {
  /** Stores that are open at once; each takes as much memory as a reader. */
  most: number
  /** Ms after which one is ended that nobody uses. */
  idleMs: number
  /** Ms that restoring one may take. */
  restoreMs: number
}

export const PAST_SETTINGS: PastSettings = { most: 2, idleMs: 5 * 60_000, restoreMs: 30 * 60_000 }

export interface PastStoresContext extends PastStoreContext {
  /** Whether the machine has the memory for one more. */
  hasMemory(): boolean
}

export interface OpenOptions {
  /** Monotonic time after which nobody waits for it; it goes on being restored. Default: as long as restoring may take. */
  deadline?: number
  /** Changes on top of it. */
  variant?: Variant | undefined
  /** Ms that a read may take, and a user's statement; then the store is ended. */
  readMs?: number
  queryMs?: number
}

const READ_MS = 60_000
const QUERY_MS = 5_000

/** One that was restored for somebody who comes back for it is not given up for another before that. */
const GRACE_MS = 30_000

/** Reads that one store may have been given; the next one is refused. */
const MAX_LOAD = 64

interface Held {
  key: string
  point: Point
  opening: Promise<Reader>
  /** Set when it is open. */
  reader?: Reader
  meter?: ProgressMeter
  failed: boolean
  /** Those that use it or wait for it. */
  users: number
  /** Whether anybody has used it since it is open. */
  used: boolean
  /** Monotonic time of its opening, or of its last use. */
  since: number
  abort: AbortController
  timer?: NodeJS.Timeout
}

/**
 * The past states that a node has open: few, shared by all who ask for the same point, the least recently used one given
 * up for another. Each is a reader of its own that takes no steps, so nobody who reads or writes the present waits for it.
 */
export class PastStores {
  readonly #context: PastStoresContext
  readonly #settings: PastSettings
  readonly #held = new Map<string, Held>()
  /** Those who wait for room. */
  readonly #waiting = new Set<() => void>()
  /** Engines that are being ended; the next one begins behind them. */
  readonly #ending = new Set<Promise<unknown>>()
  #stopped = false

  constructor(context: PastStoresContext, settings: Partial<PastSettings> = {}) {
    this.#context = context
    this.#settings = { ...PAST_SETTINGS, ...settings }
  }

  /**
   * Opens the state at a point, or joins those who have it open or wait for it.
   *
   * @throws BorealError `lsn_not_reached` at the deadline: it goes on being restored, ask again; `overloaded` when all
   *   places are taken; `out_of_retention` when the point cannot be restored any more
   */
  async open(point: Point, options: OpenOptions = {}): Promise<PastStore> {
    const { deadline = this.#context.runtime.monotonic() + this.#settings.restoreMs, variant } = options
    const key = keyOf(point, variant)
    for (;;) {
      if (this.#stopped) throw stopping()
      const held = this.#held.get(key) ?? this.#begin(key, point, variant)
      if (held === undefined) await this.#room(deadline)
      else return this.#lease(held, await this.#opened(held, deadline), options)
    }
  }

  /**
   * Does `work` with the state at a point. Work that waited behind what has ended the engine is begun anew, and so is
   * `repeatable` work that has ended it.
   */
  async use<T>(
    point: Point,
    work: (store: PastStore) => Promise<T>,
    options: OpenOptions & { deadline: number; repeatable: boolean },
  ): Promise<T> {
    for (;;) {
      const store = await this.open(point, options)
      try {
        return await work(store)
      } catch (error) {
        const waited = error instanceof NeverBegun
        if (!waited && !(error instanceof EngineDied)) throw error
        if (this.#stopped) throw stopping(error)
        const expired = this.#context.runtime.monotonic() >= options.deadline
        if ((waited || options.repeatable) && !expired) continue
        throw new BorealError('deadline_exceeded', 'the read took too long and was ended', { cause: error })
      } finally {
        store.close()
      }
    }
  }

  /** Ends the state at a point if nobody uses it; else it ends when nobody has used it for long. */
  forget(point: Point, variant?: Variant): void {
    const held = this.#held.get(keyOf(point, variant))
    if (held !== undefined && held.users === 0) this.#end(held)
  }

  /** What is open, for people and monitors. */
  get figures(): PastFigures[] {
    return [...this.#held.values()].map((held) => ({ ...held.point, state: stateOf(held), users: held.users }))
  }

  /** How a point stands on this node. */
  stateOf(point: Point, variant?: Variant): PastState {
    return stateOf(this.#held.get(keyOf(point, variant)))
  }

  /** How far restoring a point has got; undefined when it is not being restored. */
  progress(point: Point, variant?: Variant): { lsn: number; targetLsn: number; etaMs?: number } | undefined {
    const held = this.#held.get(keyOf(point, variant))
    if (held?.meter === undefined || held.reader !== undefined) return undefined
    const { lsn, targetLsn, etaMs } = held.meter.progress
    return { lsn, targetLsn, ...(etaMs === undefined ? {} : { etaMs }) }
  }

  /** Ends all of them, also those that are being used or restored. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const held of [...this.#held.values()]) this.#end(held)
    this.#changed()
    await Promise.all(this.#ending)
  }

  /** Begins to restore a point if there is room for it. */
  #begin(key: string, point: Point, variant: Variant | undefined): Held | undefined {
    if (this.#held.size >= this.#settings.most) {
      const dispensable = this.#dispensable()
      if (dispensable === undefined) return undefined
      this.#end(dispensable)
    }
    if (!this.#context.hasMemory()) {
      const message =
        'this machine has not the memory for another earlier state; read one that is open, or give it more'
      throw new BorealError('overloaded', message, { retryAfter: 30 })
    }
    const abort = new AbortController()
    const held: Held = {
      ...{ key, point, abort, users: 0, used: false, failed: false },
      since: this.#context.runtime.monotonic(),
      opening: this.#restore(point, variant, abort.signal, () => held),
    }
    this.#held.set(key, held)
    const limit = setTimeout(() => abort.abort(), this.#settings.restoreMs).unref()
    held.opening
      .then(
        (reader) => {
          held.reader = reader
          held.since = this.#context.runtime.monotonic()
        },
        () => {
          held.failed = true
          // Whoever waits hears of it; if nobody does, the next one who asks.
          if (held.users > 0) this.#drop(held)
        },
      )
      .finally(() => {
        clearTimeout(limit)
        if (held.users === 0) this.#idle(held)
        this.#changed()
      })
    return held
  }

  async #restore(point: Point, variant: Variant | undefined, signal: AbortSignal, held: () => Held): Promise<Reader> {
    await Promise.all(this.#ending)
    try {
      return await restorePoint(this.#context, point, {
        variant,
        signal,
        onMeter: (meter) => (held().meter = meter),
        // It has ended by itself, or by a read that took too long: whoever comes next gets another one.
        onEnd: () => this.#drop(held()),
      })
    } catch (error) {
      throw await this.#explained(error, point, signal)
    }
  }

  async #explained(error: unknown, point: Point, signal: AbortSignal): Promise<unknown> {
    const { log, images } = this.#context
    const what = `the state at LSN ${textOfPoint(point)}`
    if (this.#stopped) return stopping(error)
    if (signal.aborted) return new BorealError('deadline_exceeded', `${what} took too long to restore`)
    if (!(error instanceof LogTrimmed)) return error
    const oldest = await oldestRestorable(log, images).catch(() => undefined)
    const instead = oldest === undefined ? 'boreal snapshot list' : `the oldest that can be is LSN ${oldest}`
    return new BorealError('out_of_retention', `${what} cannot be restored any more; ${instead}`, { cause: error })
  }

  /** Waits until it is open. */
  async #opened(held: Held, deadline: number): Promise<Reader> {
    if (held.reader !== undefined) return this.#taken(held, held.reader)
    if (held.failed) this.#drop(held)
    this.#taken(held, undefined)
    try {
      const reader = await this.#before(deadline, held.opening)
      if (reader !== undefined) return this.#taken(held, reader, 0)
      throw this.#notYet(held)
    } catch (error) {
      this.#leave(held)
      throw error
    }
  }

  #taken<R>(held: Held, reader: R, users = 1): R {
    clearTimeout(held.timer)
    held.users += users
    if (reader !== undefined) held.used = true
    return reader
  }

  #notYet({ point, meter }: Held): BorealError {
    const { lsn = 0, etaMs } = meter?.progress ?? {}
    const seconds = Math.max(1, Math.min(30, Math.ceil((etaMs ?? 2_000) / 1_000)))
    const far = meter === undefined ? '' : `; it has got to ${lsn}, and needs about ${seconds} s more`
    const message = `the state at LSN ${textOfPoint(point)} is being restored${far}. Ask again`
    return new BorealError('lsn_not_reached', message, { retryAfter: seconds })
  }

  #lease(held: Held, reader: Reader, { readMs = READ_MS, queryMs = QUERY_MS }: OpenOptions): PastStore {
    let open = true
    const using = <T>(work: () => Promise<T>): Promise<T> => {
      if (!open) return Promise.reject(new BorealError('internal', 'a past state was used that had been closed'))
      if (reader.load < MAX_LOAD) return work()
      const busy = `too many reads wait for the state at LSN ${textOfPoint(held.point)}`
      return Promise.reject(new BorealError('overloaded', busy, { retryAfter: 1 }))
    }
    return {
      point: held.point,
      lsn: held.point.lsn,
      read: (statements) => using(async () => (await reader.read(statements, readMs)).results),
      readBehind: (changes, reads) => using(() => reader.hold((store) => store.readBehind(changes, reads), readMs)),
      query: (statement, maxRows) => using(async () => (await reader.query(statement, maxRows, queryMs)).result),
      close: () => {
        if (open) this.#leave(held)
        open = false
      },
    }
  }

  #leave(held: Held): void {
    held.users--
    held.since = this.#context.runtime.monotonic()
    if (held.users === 0) this.#idle(held)
    this.#changed()
  }

  /** Nobody uses it: it ends, unless somebody comes. */
  #idle(held: Held): void {
    clearTimeout(held.timer)
    if (this.#held.get(held.key) !== held) return
    held.timer = setTimeout(() => {
      if (held.users === 0 && (held.reader !== undefined || held.failed)) this.#end(held)
    }, this.#settings.idleMs)
    held.timer.unref()
  }

  /** What can be given up: what has failed, or is open and not used; what was used before what was not. */
  #dispensable(): Held | undefined {
    const now = this.#context.runtime.monotonic()
    const idle = [...this.#held.values()].filter(
      ({ users, reader, failed, used, since }) =>
        users === 0 && (failed || (reader !== undefined && (used || now - since > GRACE_MS))),
    )
    return idle.sort((one, other) => Number(other.failed) - Number(one.failed) || one.since - other.since)[0]
  }

  #drop(held: Held): void {
    clearTimeout(held.timer)
    if (this.#held.get(held.key) === held) this.#held.delete(held.key)
    this.#changed()
  }

  #end(held: Held): void {
    this.#drop(held)
    held.abort.abort()
    const ended = held.opening
      .then(
        (reader) => reader.stop(),
        () => undefined,
      )
      .catch((error: unknown) => this.#context.logger.warn('a past state did not end', { error: messageOf(error) }))
      .finally(() => this.#ending.delete(ended))
    this.#ending.add(ended)
  }

  #changed(): void {
    for (const look of [...this.#waiting]) look()
  }

  /** Waits until something has changed that could make room. */
  async #room(deadline: number): Promise<void> {
    const { runtime } = this.#context
    const changed = new AbortController()
    const look = () => changed.abort()
    this.#waiting.add(look)
    // Also when nothing changes one may be given up that was kept for somebody until now.
    await runtime.sleep(Math.max(0, Math.min(deadline - runtime.monotonic(), GRACE_MS)), changed.signal)
    this.#waiting.delete(look)
    if (runtime.monotonic() < deadline) return
    const { most } = this.#settings
    const message = `this node has ${most} past states open, and all are being used or restored; try again later`
    throw new BorealError('overloaded', message, { retryAfter: 5 })
  }

  /** What the work gives, or undefined at the deadline. */
  async #before<T>(deadline: number, work: Promise<T>): Promise<T | undefined> {
    const { runtime } = this.#context
    const done = new AbortController()
    const late = runtime.sleep(Math.max(0, deadline - runtime.monotonic()), done.signal).then(() => undefined)
    try {
      return await Promise.race([work, late])
    } finally {
      done.abort()
    }
  }
}

export type PastState = 'open' | 'opening' | 'failed' | 'closed'

export interface PastFigures extends Point {
  state: PastState
  /** Reads that use it or wait for it. */
  users: number
}

function stateOf(held: Held | undefined): PastState {
  if (held === undefined) return 'closed'
  return held.failed ? 'failed' : held.reader === undefined ? 'opening' : 'open'
}

/**
 * Opens the state of a node's store at a point; whoever does closes it. See PastStores.open.
 *
 * @example
 * const past = await openPast(node, { lsn: 4711 })
 * try { await past.read([digestStatement]) } finally { past.close() }
 */
export function openPast(
  node: { readonly past: { readonly stores: PastStores } },
  point: Point,
  options?: OpenOptions,
): Promise<PastStore> {
  return node.past.stores.open(point, options)
}

function keyOf(point: Point, variant: Variant | undefined): string {
  return `${textOfPoint(point)} ${variant?.name ?? ''}`
}
