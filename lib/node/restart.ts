import { backupImages } from '../backup/backup-images.ts'
import type { Log } from '../log/log.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { Follower } from '../replica/follower.ts'
import { type ImageSource, onlyEmptyStore, type PlacedImage, sourcesInTurn } from '../replica/image-source.ts'
import type { ProgressOptions } from '../replica/progress.ts'
import { type PagesAhead, readAhead } from '../replica/read-ahead.ts'
import { ReaderPool } from '../replica/reader-pool.ts'
import { isMuch } from '../replica/replay.ts'
import { snapshotImages } from '../snapshot/snapshot-images.ts'
import type { BaseImage } from '../store/base-image.ts'
import type { Engine } from '../store/engine.ts'
import type { HousekeepingLimits } from '../store/housekeeping.ts'
import type { StoreImage } from '../store/image-parts.ts'
import type { Step } from '../store/step.ts'
import { quietly } from '../store/store.ts'
import { ThreadEngine } from '../store/thread-engine.ts'
import { emptyStoreOf } from './lost-objects.ts'
import { readersStart } from './readers-start.ts'

/**
 * What the stores of a node boot from, the best first: the verified snapshots, newest to oldest, then the backups, each as
 * its image and as its dump, at last the empty store and the whole log, which is read from the archive where it was
 * trimmed.
 */
export function restartImages(context: {
  log: Log
  objects: ObjectStore | undefined
  /** Default: with the objects. */
  backups?: ObjectStore | undefined
  base: BaseImage
  runtime: Runtime
  logger: Logger
}): ImageSource {
  const { log, objects, backups = objects, base, runtime, logger } = context
  const empty = onlyEmptyStore(base, () => emptyStoreOf(log, objects))
  if (objects === undefined || backups === undefined) return empty
  const say = everySecond(runtime)
  const onPart = ({ snapshotId, image }: { snapshotId: string; image: { bytes: number } }, done: number) =>
    say((seconds) => {
      // An engine that lags behind the others may have parts fetched again.
      const share = Math.min(1, done / image.bytes)
      const secondsLeft = Math.ceil((1 / share - 1) * seconds)
      logger.info('loading a snapshot', { snapshot: snapshotId, percent: Math.floor(100 * share), secondsLeft })
    })
  const boot = (image: StoreImage) => ThreadEngine.boot(image)
  const older = backupImages({ backups, log, base, logger, boot })
  return sourcesInTurn([snapshotImages({ objects, log, base, logger, onPart }), older, empty])
}

export interface OpenStoresOptions extends ProgressOptions {
  log: Log
  images: ImageSource
  readers: number
  maxWaitingReads: number | undefined
  housekeeping: Partial<HousekeepingLimits> | undefined
  /** Boots the writer's engine. */
  boot(image: StoreImage): Promise<Engine>
  /** Hears every step of the writer's store that readers are fed with. */
  onStep(step: Step): void
}

/** The stores of a node. */
export interface OpenedStores {
  follower: Follower
  pool: ReaderPool
  /** Brings the writer's store to the end of the log; may be repeated. */
  load(): Promise<void>
  /** Lets the readers begin; they serve some time later. */
  startReaders(): void
  stop(): Promise<unknown>
}

/**
 * Boots the stores of a node, first the writer's: until readers have joined it serves for them. Where the log does not go on
 * much, they boot from the same image and take its steps. Where it does, it is loaded in bulk, and they begin at an image of
 * it, so that every entry is applied once.
 */
export function openStores(options: OpenStoresOptions): (from: PlacedImage) => Promise<OpenedStores> {
  const { log, logger, readers, maxWaitingReads, onStep } = options
  return async (from) => {
    const pool = new ReaderPool({
      ...{ ...options, count: readers },
      ...(maxWaitingReads === undefined ? {} : { maxWaiting: maxWaitingReads }),
    })
    const tell = (step: Step) => {
      pool.feed(step)
      onStep(step)
    }
    const opening = quietly(Follower.open({ ...options, onStep: tell }, from))
    // The engine takes its time to load the image, and then has something to apply at once.
    let ahead: PagesAhead | undefined = readAhead(log.follow(from.mark))
    const isFar = await log.findEnd(from.mark.lsn).then(
      (end) => isMuch(from.mark.lsn, end),
      () => false,
    )
    let letReadersBoot: () => void = () => undefined
    if (!isFar) pool.join(from.mark.lsn, new Promise((resolve) => (letReadersBoot = () => resolve(from))))
    // Threads left behind would keep a process alive that has nothing to do.
    const stop = () => {
      ahead?.end()
      const stopped = pool.stop()
      letReadersBoot()
      return Promise.allSettled([stopped, opening.then((opened) => opened.stop())])
    }
    try {
      const follower = await opening
      return {
        ...{ follower, pool, stop },
        load: async () => {
          const pages = ahead
          ahead = undefined
          try {
            const end = await log.findEnd(follower.mark.lsn)
            await follower.load(end, { telling: !isFar && readers > 0, pages })
          } finally {
            pages?.end()
          }
        },
        startReaders: () => {
          if (isFar) pool.join(follower.mark.lsn, quietly(readersStart(follower, from, { count: readers, logger })))
          else letReadersBoot()
        },
      }
    } catch (error) {
      await stop()
      throw error
    }
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
