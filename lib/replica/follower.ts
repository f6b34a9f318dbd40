import type { LogMark } from '../log/chain.ts'
import type { Entry } from '../log/entry.ts'
import type { LogItem } from '../log/event-log.ts'
import type { Log } from '../log/log.ts'
import { messageOf } from '../model/errors.ts'
import type { Engine } from '../store/engine.ts'
import { HOUSEKEEPING_LIMITS, type HousekeepingLimits } from '../store/housekeeping.ts'
import { inSharedMemory, partsInMemory, type StoreImage } from '../store/image-parts.ts'
import { Mutex } from '../store/mutex.ts'
import { BEGIN, type Statement } from '../store/statement.ts'
import type { Step } from '../store/step.ts'
import type { Store } from '../store/store.ts'
import type { HeldStore } from './held-store.ts'
import { doSlice, type Housework } from './housework.ts'
import { type ImageSource, openStore, type PlacedImage, withBestImage } from './image-source.ts'
import { ProgressMeter, type ProgressOptions, type ReplayProgress } from './progress.ts'
import type { ReadAnswer } from './reader.ts'
import { replay, replayUnread } from './replay.ts'
import type { Run } from './runs.ts'

export interface FollowerOptions extends ProgressOptions {
  log: Log
  /** When maintenance is needed. Default: that of a store on which no user's SQL runs. */
  housekeeping?: Partial<HousekeepingLimits> | undefined
  /** Where a store is booted from that has to be built anew. */
  images: ImageSource
  boot(image: StoreImage): Promise<Engine>
  /** Hears every step that the store takes, in order and once each, also across a rebuild. */
  onStep(step: Step): void
}

interface LoadOptions {
  telling: boolean
  pages?: AsyncIterable<Entry[]> | undefined
}

/**
 * The store of a node, and its way along the log. The writer works on it, readers are fed from its steps; both see
 * entries in the order of their LSNs and only durable ones.
 */
export class Follower {
  readonly #options: FollowerOptions
  readonly #mutex = new Mutex()
  #store: Store
  /** How far `onStep` has been told. */
  #told: number
  #rebuilding: Promise<void> | undefined
  #meter: ProgressMeter | undefined

  private constructor(options: FollowerOptions, store: Store) {
    this.#options = options
    this.#store = store
    this.#told = store.mark.lsn
  }

  /** Boots the store from an image. Call `load` and `catchUp` to bring it to the end of the log. */
  static async open(options: FollowerOptions, image: PlacedImage): Promise<Follower> {
    return new Follower(options, await openStore(await options.boot(image), image))
  }

  /** Where the store stands. */
  get mark(): LogMark {
    return this.#store.mark
  }

  /** The engine, for figures about it. */
  get engine(): Engine {
    return this.#store.engine
  }

  /** Runs `work` on the store while nobody else uses it. Not reentrant. */
  exclusive<T>(work: (store: Store) => Promise<T>): Promise<T> {
    return this.#mutex.run(() => work(this.#store))
  }

  /** Whether somebody waits for the store. */
  get contended(): boolean {
    return this.#mutex.contended
  }

  /** How far a replay has got that takes its time: at the start, or when the store is built anew. */
  get progress(): ReplayProgress | undefined {
    return this.#meter?.progress
  }

  /**
   * Applies the log up to `target`, and reports how far it is. Without telling steps it can be done in bulk; who is fed
   * from them then begins behind it. Throws what makes that impossible (see `replay`). `pages`: the log from where the
   * store stands, if somebody reads it already.
   */
  load(target: number, { telling, pages }: LoadOptions): Promise<void> {
    return this.exclusive((store) => this.#load(store, target, { telling, pages }))
  }

  /** A physical copy of the store, from which others can boot. */
  image(): Promise<Omit<PlacedImage, 'wasm'>> {
    return this.exclusive(async (store) => {
      // A commit that was put off goes first.
      await store.run([])
      const { mark, engine } = store
      const parts: Uint8Array[] = []
      for await (const part of engine.image()) parts.push(inSharedMemory(part))
      return { parts: partsInMemory(...parts), mark, name: "the writer's store" }
    })
  }

  /** Applies what the log has beyond the store. Throws what makes that impossible (see `replay`). */
  catchUp(): Promise<void> {
    return this.exclusive((store) => replay(this.#options.log, store, { onStep: (step) => this.tell(step) }))
  }

  /**
   * Applies items that are in the log, as somebody says who should know: then it need not be read. Throws what is wrong
   * with them, or what makes it impossible to apply them (see `replay`); those before are applied.
   */
  takeItems(items: readonly LogItem[]): Promise<void> {
    const { log } = this.#options
    return this.exclusive((store) =>
      replay(log, store, { pages: log.given(store.mark, items), onStep: (step) => this.tell(step) }),
    )
  }

  /** Runs statements at one place of the log, between steps. */
  read(statements: Statement[]): Promise<ReadAnswer> {
    return this.exclusive(async (store) => ({ lsn: store.mark.lsn, results: await store.run(statements) }))
  }

  /** Holds the store at its place of the log, between steps. */
  hold<T>(work: (store: HeldStore) => Promise<T>): Promise<T> {
    return this.exclusive((store) =>
      work({
        lsn: store.mark.lsn,
        read: (statements) => store.run(statements),
        readBehind: async (changes, reads) => {
          try {
            return (await store.run([BEGIN, ...changes, ...reads])).slice(1 + changes.length)
          } finally {
            await store.rollback()
          }
        },
      }),
    )
  }

  /** A piece of maintenance, between steps; put off while somebody would have to wait for it, as long as that is possible. */
  keepHouse(isBusy: () => boolean): Promise<Housework> {
    const limits = { ...HOUSEKEEPING_LIMITS, ...this.#options.housekeeping, changedRows: 0 }
    return this.exclusive((store) => doSlice(store, limits, isBusy))
  }

  /** A step was taken: passes it on. To be called by whoever took it, inside `exclusive`. */
  tell(step: Step): void {
    this.#told = step.to.lsn
    this.#options.onStep(step)
  }

  /**
   * Throws the store away and builds it anew from an image and the log: after its engine has died, or when it does not agree with
   * the log any more. Steps that were told before are not told again.
   */
  rebuild(): Promise<void> {
    this.#rebuilding ??= this.exclusive(() => this.#rebuild()).finally(() => (this.#rebuilding = undefined))
    return this.#rebuilding
  }

  async stop(): Promise<void> {
    await this.#store.engine.kill()
  }

  async #rebuild(): Promise<void> {
    const { log, logger, images, boot } = this.#options
    logger.warn('rebuilding the store', { lsn: this.#told })
    await this.#store.engine.kill().catch((error: unknown) => logger.debug('engine', { error: messageOf(error) }))
    // Not beyond what was told: the steps in between would never be.
    this.#store = await withBestImage(images, this.#told, logger, async (image) => openStore(await boot(image), image))
    await this.#load(this.#store, this.#told, { telling: false })
    await replay(log, this.#store, { onStep: (step) => this.tell(step) })
  }

  async #load(store: Store, target: number, { telling, pages }: LoadOptions): Promise<void> {
    const from = store.mark.lsn
    if (target <= from) return
    const meter = new ProgressMeter({ from, target }, this.#options)
    this.#meter = meter
    const { log } = this.#options
    const onRun = ({ to, events }: Run) => meter.add(to.lsn, events)
    const options = { upTo: target, onRun, ...(pages === undefined ? {} : { pages }) }
    try {
      if (telling) await replay(log, store, { ...options, onStep: (step) => this.tell(step) })
      else await replayUnread(log, store, options)
      meter.end()
    } finally {
      this.#meter = undefined
      this.#told = Math.max(this.#told, store.mark.lsn)
    }
  }
}
