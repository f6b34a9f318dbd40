import type { Log } from '../log/log.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { Follower } from '../replica/follower.ts'
import { type ImageSource, onlyEmptyStore, type PlacedImage, sourcesInTurn } from '../replica/image-source.ts'
import { ReaderPool } from '../replica/reader-pool.ts'
import { snapshotImages } from '../snapshot/snapshot-images.ts'
import type { BaseImage } from '../store/base-image.ts'
import type { Engine } from '../store/engine.ts'
import type { StoreImage } from '../store/image-parts.ts'
import type { Step } from '../store/store.ts'

/**
 * What the stores of a node boot from, the best first: the verified snapshots, newest to oldest, then the empty store and
 * the whole log. (Dumps of backups belong in between, and the archive behind them once the log is trimmed.)
 */
export function restartImages(context: {
  log: Log
  objects: ObjectStore | undefined
  base: BaseImage
  runtime: Runtime
  logger: Logger
}): ImageSource {
  const { log, objects, base, runtime, logger } = context
  const empty = onlyEmptyStore(base, () => log.genesis())
  if (objects === undefined) return empty
  const say = everySecond(runtime)
  const onPart = ({ snapshotId, image }: { snapshotId: string; image: { bytes: number } }, done: number) =>
    say((seconds) => {
      // An engine that lags behind the others may have parts fetched again.
      const share = Math.min(1, done / image.bytes)
      const secondsLeft = Math.ceil((1 / share - 1) * seconds)
      logger.info('loading a snapshot', { snapshot: snapshotId, percent: Math.floor(100 * share), secondsLeft })
    })
  return sourcesInTurn([snapshotImages({ objects, log, base, logger, onPart }), empty])
}

export interface OpenStoresOptions {
  log: Log
  images: ImageSource
  logger: Logger
  runtime: Runtime
  readers: number
  /** Boots the writer's engine. */
  boot(image: StoreImage): Promise<Engine>
  /** Hears every step of the writer's store, as the readers do. */
  onStep(step: Step): void
}

/** The stores of a node. */
export interface OpenedStores {
  follower: Follower
  pool: ReaderPool
  stop(): Promise<unknown>
}

/** Boots the writer's store and the readers, all from one image: steps of the first are what the others take. */
export function openStores(options: OpenStoresOptions): (from: PlacedImage) => Promise<OpenedStores> {
  const { log, images, logger, runtime, readers, boot, onStep } = options
  return async (from) => {
    const pool = new ReaderPool({ images, log, logger, runtime, count: readers })
    const tell = (step: Step) => {
      pool.feed(step)
      onStep(step)
    }
    const opening = Follower.open({ log, logger, images, boot, onStep: tell }, from)
    // Threads left behind would keep a process alive that has nothing to do.
    const stop = () => Promise.allSettled([pool.stop(), opening.then((opened) => opened.stop())])
    try {
      const [follower] = await Promise.all([opening, pool.start(from)])
      return { follower, pool, stop }
    } catch (error) {
      await stop()
      throw error
    }
  }
}

/** Says from time to time how far the replay at the start has got, and about how long it will take. */
export function replayProgress(log: Log, runtime: Runtime, logger: Logger): (step: Step) => void {
  const say = everySecond(runtime)
  let first: number | undefined
  let end: number | undefined
  const findEnd = async (lsn: number) => {
    end = lsn
    end = await log.approximateEnd(lsn).catch(() => undefined)
  }
  return ({ from, to }) => {
    first ??= from.lsn
    const done = to.lsn - first
    say((seconds) => {
      // Where it ends is looked for once it is worth while, and said from the next time on.
      if (end === undefined) void findEnd(to.lsn)
      const left = Math.max(0, (end ?? 0) - to.lsn)
      const eta = left === 0 ? {} : { end, secondsLeft: Math.ceil((left / done) * seconds) }
      logger.info('replaying the log', { lsn: to.lsn, seconds: Math.round(seconds), ...eta })
    })
  }
}

/** Runs what it is given, with the seconds since it was made, but at most once a second. */
function everySecond(runtime: Runtime): (work: (seconds: number) => void) => void {
  const startedAt = runtime.monotonic()
  let saidAt = startedAt
  return (work) => {
    const now = runtime.monotonic()
    if (now - saidAt < 1_000) return
    saidAt = now
    work((now - startedAt) / 1_000)
  }
}
