import { type BorealError, isBorealError } from '../model/errors.ts'
import type { Follower } from '../replica/follower.ts'
import { Housekeeper } from '../replica/housekeeper.ts'
import { withBestImage } from '../replica/image-source.ts'
import { LogFeed } from '../replica/log-feed.ts'
import { LogStream } from '../replica/log-stream.ts'
import { Poller } from '../replica/poller.ts'
import type { ReaderPool } from '../replica/reader-pool.ts'
import { Tail } from '../replica/tail.ts'
import type { StoreImage } from '../store/image-parts.ts'
import { ThreadEngine } from '../store/thread-engine.ts'
import { Leadership } from '../writer/leadership.ts'
import { STORE_LIMITS, type StoreLimits } from '../writer/store-limits.ts'
import { Watermark } from '../writer/watermark.ts'
import { Writer } from '../writer/writer.ts'
import { withLogPatience } from './log-patience.ts'
import { defaultStoreLimitBytes } from './memory-limit.ts'
import type { NodeOptions } from './node-options.ts'
import { openStores, restartImages } from './restart.ts'

/** What a node is made of. */
export interface NodeParts {
  follower: Follower
  pool: ReaderPool
  tail: Tail
  writer: Writer
  /** With a writer lease. */
  leadership: Leadership | undefined
  watermark: Watermark
  poller: Poller
  housekeeper: Housekeeper
  /** What in the log this node cannot go beyond, if there is such a thing: an entry of a newer build, say. */
  stopped(): BorealError | undefined
  /** What others are told who follow this node; absent when nobody else can be on its table. */
  feed: LogFeed | undefined
  /** What this node is told that follows another. */
  stream: LogStream | undefined
}

/** Boots the engines of a node from the newest usable snapshot, replays what the log has beyond it, and starts its parts. */
export async function openParts(options: NodeOptions): Promise<NodeParts> {
  const { log, image, runtime, logger } = options
  const boot =
    options.boot ??
    ((base: StoreImage) =>
      ThreadEngine.boot(base, (reason) => logger.warn("the writer's engine ended", { reason }), 'writer-thread'))
  const patiently = <T>(work: () => Promise<T>) =>
    withLogPatience(work, (error) => isBorealError(error, 'log_unavailable'), { runtime, logger })
  const images = restartImages({
    log,
    objects: options.objects,
    backups: options.backups,
    base: image,
    runtime,
    logger,
  })
  let writer: Writer | undefined
  let leadership: Leadership | undefined
  const term = () => leadership?.term ?? 0
  const openFrom = openStores({
    ...{ log, images, logger, runtime, boot, readers: options.readers ?? 1 },
    ...{ housekeeping: options.housekeeping, onProgress: options.onProgress },
    maxWaitingReads: options.maxWaitingReads,
    onStep: (step) => writer?.observeStep(step),
  })
  const { follower, pool, load, startReaders, stop } = await patiently(() =>
    withBestImage(images, Number.POSITIVE_INFINITY, logger, openFrom),
  )
  try {
    await patiently(load)
    startReaders()
    await patiently(() => follower.catchUp())
    await patiently(() => log.verifyEnd(follower.mark))
  } catch (error) {
    await stop()
    throw error
  }

  let stopped: BorealError | undefined
  const follow = async () => {
    const item = await log.probe(follower.mark.lsn)
    if (item !== undefined) {
      writer?.observeItem(item)
      leadership?.sawEntry(item.writer)
      await follower.catchUp()
    }
    stopped = undefined
    return follower.mark.lsn
  }
  const probe = () =>
    follow().catch((error: unknown) => {
      if (isBorealError(error, 'log_corrupt', 'store_changed')) stopped = error
      throw error
    })
  const tail = new Tail({
    lsn: follower.mark.lsn,
    probe,
    exclusive: options.exclusive ?? false,
    monotonic: runtime.monotonic,
  })
  // From here on every entry that comes behind the store is heard of.
  const { lsn } = follower.mark
  const { monotonic } = runtime
  const feed = options.exclusive ? undefined : new LogFeed({ log, lsn, tail, term, monotonic, limits: options.recent })
  // Jobs have a store of their own, one at a time.
  const hasJobs = options.snapshots?.intervalMs || options.backupSettings?.intervalMs
  const otherStores = (options.readers ?? 1) + (hasJobs ? 1 : 0)
  const limitBytes = options.storeLimitBytes ?? defaultStoreLimitBytes(otherStores)
  const watermark = new Watermark({ follower, limitBytes })
  const drained = () => writer!.drained()
  leadership = leadershipOf(options, tail, drained)
  writer = new Writer({
    duty: leadership,
    shared: leadership === undefined && !options.exclusive,
    follower,
    log,
    tail,
    runtime,
    logger,
    watermark,
    limits: limitsOf(options),
    ...(options.queue === undefined ? {} : { queue: options.queue }),
    ...(options.horizon === undefined ? {} : { horizon: options.horizon }),
    newLogFormat: options.newLogFormat,
    awayAfterMs: options.awayAfterMs,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  })
  const started = writer
  await started.start()
  const pollMs = options.exclusive ? 0 : (options.pollMs ?? 500)
  const follows = () => leadership !== undefined && !leadership.leads
  const intervalMs = () => (follows() ? Math.min(pollMs, STANDBY_POLL_MS) : pollMs)
  const stream = streamOf(options, { follower, tail, term, leadership })
  const isPushed = () => stream?.healthy ?? false
  const poller = new Poller({ tail, runtime, logger, intervalMs, isPushed })
  const isBusy = () => started.isBusy
  const households = () => [{ keepHouse: () => follower.keepHouse(isBusy) }, ...pool.readers]
  const housekeeper = new Housekeeper({ households, runtime, logger, intervalMs: options.housekeepingMs ?? 10_000 })
  await leadership?.start()
  return {
    follower,
    pool,
    tail,
    writer,
    leadership,
    watermark,
    poller,
    housekeeper,
    feed,
    stream,
    stopped: () => stopped,
  }
}

/** Between looks at the log of a node that is to take over at any moment, ms; four times that while nothing happens. */
const STANDBY_POLL_MS = 50

function leadershipOf(options: NodeOptions, tail: Tail, drained: () => Promise<void>): Leadership | undefined {
  const { lease, log, runtime, logger } = options
  if (lease === undefined) return undefined
  return new Leadership({
    ...{ leases: lease.leases, settings: lease.settings, runtime, logger, drained },
    self: { holder: log.writer, endpoint: lease.endpoint },
    catchUp: () => tail.confirm(),
    stuckMs: () => tail.stuckMs,
    tailAgeMs: () => tail.ageMs,
  })
}

/** With a lease, whoever holds it is followed. */
function streamOf(
  { follow, log, runtime, logger }: NodeOptions,
  { leadership, ...parts }: { follower: Follower; tail: Tail; term(): number; leadership: Leadership | undefined },
): LogStream | undefined {
  if (follow === undefined) return undefined
  const leaderEndpoint = () => leadership?.other?.endpoint
  const sawEntry = (writer: string) => leadership?.sawEntry(writer)
  return new LogStream({ leaderEndpoint, sawEntry, ...parts, ...follow, storeId: log.storeId, runtime, logger })
}

export function limitsOf({ limits }: NodeOptions): StoreLimits {
  return { ...STORE_LIMITS, ...limits }
}
