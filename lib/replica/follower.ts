import type { LogMark } from '../log/chain.ts'
import type { Log } from '../log/log.ts'
import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Engine } from '../store/engine.ts'
import { HOUSEKEEPING_LIMITS, type HousekeepingLimits, keepHouse } from '../store/housekeeping.ts'
import type { StoreImage } from '../store/image-parts.ts'
import { Mutex } from '../store/mutex.ts'
import { BEGIN, type Statement } from '../store/statement.ts'
import type { Step, Store } from '../store/store.ts'
import type { HeldStore } from './held-store.ts'
import { type ImageSource, openStore, type PlacedImage, withBestImage } from './image-source.ts'
import type { ReadAnswer } from './reader.ts'
import { replay } from './replay.ts'

export interface FollowerOptions {
  log: Log
  logger: Logger
  /** Where a store is booted from that has to be built anew. */
  images: ImageSource
  boot(image: StoreImage): Promise<Engine>
  /** Hears every step that the store takes, in order and once each, also across a rebuild. */
  onStep(step: Step): void
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

  private constructor(options: FollowerOptions, store: Store) {
    this.#options = options
    this.#store = store
    this.#told = store.mark.lsn
  }

  /** Boots the store from an image. Call `catchUp` to bring it to the end of the log. */
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

  /** Applies what the log has beyond the store. Throws what makes that impossible (see `replay`). */
  catchUp(): Promise<void> {
    return this.exclusive((store) => replay(this.#options.log, store, { onStep: (step) => this.tell(step) }))
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

  /** Maintenance of the store, between steps. */
  keepHouse(limits: HousekeepingLimits = HOUSEKEEPING_LIMITS): Promise<string[]> {
    return this.exclusive((store) => keepHouse(store, limits))
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
    if (this.#told > this.#store.mark.lsn) await replay(log, this.#store, { upTo: this.#told })
    await replay(log, this.#store, { onStep: (step) => this.tell(step) })
  }
}
