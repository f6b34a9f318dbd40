import type { LogMark } from '../log/chain.ts'
import type { Log } from '../log/log.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import {
  EMPTY_STORE,
  type ImageSource,
  onlyEmptyStore,
  openStore,
  sourcesInTurn,
  withBestImage,
} from '../replica/image-source.ts'
import { replay, replayUnread } from '../replica/replay.ts'
import type { BaseImage } from '../store/base-image.ts'
import { type Engine, PgliteEngine } from '../store/engine.ts'
import type { StoreImage } from '../store/image-parts.ts'
import { statement } from '../store/statement.ts'
import type { Store } from '../store/store.ts'
import { newestVerified, type Snapshot, snapshots } from './catalog.ts'
import { type Contents, contentsOf } from './describe.ts'
import type { Manifest, PartCodec } from './documents.ts'
import { imageParts } from './image-object.ts'
import { snapshotImages } from './snapshot-images.ts'
import { type Peer, verifySnapshot } from './verify.ts'
import { writeImage } from './write.ts'

export interface SnapshotContext {
  log: Log
  objects: ObjectStore
  base: BaseImage
  runtime: Runtime
  logger: Logger
  /** What to start from when no snapshot can be used. Default: nothing but the whole log. */
  fallback?: ImageSource | undefined
  /** Boots the engines of its own stores. Default: in the thread that calls, which then does nothing else meanwhile. */
  boot?: ((image: StoreImage) => Promise<Engine>) | undefined
  /**
   * How the image is stored. Default `none`: to unpack takes longer than to read five times as much from a disk or from
   * S3 in parallel, and a restart is when it counts.
   */
  codec?: PartCodec | undefined
}

export interface SnapshotOutcome {
  /** False when there was nothing to do. */
  made: boolean
  snapshotId: string | undefined
  lsn: number
  /** In words, when nothing was made. */
  reason?: string
}

export interface TakeOptions {
  /** Take it at this LSN, be it before the newest one. Default: at the peer's, else at the end of the log. */
  upTo?: number | undefined
  /** What a serving node holds at an LSN: the snapshot is taken there, and compared with it. */
  peer?: Peer | undefined
  /** When there is nothing new, read the image of the newest snapshot again, and take another one if it is damaged. */
  check?: boolean | undefined
}

/**
 * Takes a snapshot: restores the newest one, replays what the log has beyond it, writes image and manifest, restores what
 * it has written, and says so in `verified.json` if it is the same. All in stores of its own; nobody waits for it.
 *
 * Nothing it leaves when it is stopped can be mistaken for a snapshot: until the manifest is there the image means nothing,
 * and until it is verified no store starts from it. Several at once write to folders of their own.
 *
 * @throws BorealError `snapshot_corrupt` when it cannot be verified, and what the log and the object store fail with
 */
export async function takeSnapshot(context: SnapshotContext, options: TakeOptions = {}): Promise<SnapshotOutcome> {
  const { peer, upTo } = options
  const { log, objects, logger, runtime } = context
  const startedAt = runtime.monotonic()
  const newest = await newestVerified(objects, log.storeId)
  const end = upTo ?? peer?.lsn ?? Number.POSITIVE_INFINITY
  const isThere = newest !== undefined && (upTo === undefined ? newest.lsn >= end : newest.lsn === upTo)
  const isEarlier = newest !== undefined && upTo !== undefined && newest.lsn > upTo
  if (newest !== undefined && !isEarlier && (isThere || (await log.probe(newest.lsn)) === undefined)) {
    const reason = options.check ? await damageOf(context, newest) : undefined
    if (reason !== undefined) {
      logger.warn('the newest snapshot is damaged, taking another one', { snapshot: newest.id, reason })
    } else if (!isOlder(newest, context)) return nothingNew(newest)
  }
  const manifest = await writeSnapshot(context, end)
  if (manifest === undefined)
    return { made: false, snapshotId: undefined, lsn: 0, reason: 'the log has no entries yet' }
  await verifySnapshot(context, manifest, peer)
  const { lsn, image } = manifest
  const seconds = Math.round((runtime.monotonic() - startedAt) / 1_000)
  logger.info('took a snapshot', { snapshot: manifest.snapshotId, lsn, bytes: image.storedBytes, seconds })
  return { made: true, snapshotId: manifest.snapshotId, lsn }
}

function nothingNew({ id, lsn }: Snapshot): SnapshotOutcome {
  return { made: false, snapshotId: id, lsn, reason: `the newest verified snapshot has everything, up to LSN ${lsn}` }
}

/**
 * Whether it is of an older schema: every store that starts from it has to be migrated. One of a newer schema is left to
 * the builds that took it, or builds side by side would replace each other's for ever.
 */
function isOlder({ manifest }: Snapshot, { base }: SnapshotContext): boolean {
  return manifest!.schemaVersion < base.schemaVersion
}

async function damageOf({ objects }: SnapshotContext, { manifest }: Snapshot): Promise<string | undefined> {
  try {
    await imageParts(objects, manifest!).check()
    return undefined
  } catch (error) {
    if (isBorealError(error, 'snapshot_corrupt')) return error.message
    throw error
  }
}

/** Image and manifest, of a store that is gone when they are there: only one is in memory at a time. */
async function writeSnapshot(context: SnapshotContext, upTo: number): Promise<Manifest | undefined> {
  const { log, objects, base, runtime, codec } = context
  const { store, isEmpty } = await replayedStore(context, upTo)
  try {
    const { mark } = store
    if (isEmpty) return undefined
    await tidy(store)
    const contents = await contentsOf(store, base.schemaVersion)
    const started = await startedBefore(context, mark, contents)
    if (started !== undefined) return started
    const writing = { objects, base, newId: runtime.newId, log, codec }
    return await writeImage(writing, store, { storeId: log.storeId, mark, contents })
  } finally {
    await store.engine.kill()
  }
}

/** A store at `upTo`, or at the end of the log. */
async function replayedStore(context: SnapshotContext, upTo: number): Promise<{ store: Store; isEmpty: boolean }> {
  const { log, objects, base, logger, fallback, boot = PgliteEngine.bootImage } = context
  const empty = onlyEmptyStore(base, () => log.emptyStore())
  const older = fallback === undefined ? [] : [fallback]
  const source = sourcesInTurn([snapshotImages({ objects, log, base, logger }), ...older, empty])
  const { store, image } = await withBestImage(source, upTo, logger, async (image) => {
    return { image, store: await openStore(await boot(image), image) }
  })
  try {
    const from = store.mark.lsn
    const end = Math.min(upTo, await log.findEnd(from))
    await replayUnread(log, store, { upTo: end })
    await replay(log, store, { upTo })
    if (!Number.isFinite(upTo)) await log.verifyEnd(store.mark)
    else if (store.mark.lsn !== upTo) throw new BorealError('lsn_not_reached', `the log ends before LSN ${upTo}`)
    return { store, isEmpty: image.name === EMPTY_STORE && store.mark.lsn === image.mark.lsn }
  } catch (error) {
    await store.engine.kill()
    throw error
  }
}

/**
 * Vacuums and analyzes every table. A store that boots from the image counts its dead rows from zero: without this they
 * would stay for ever, and queries would have no statistics.
 */
async function tidy(store: Store): Promise<void> {
  await store.run([statement('vacuum (analyze)')])
}

/** A snapshot of the same state that nobody has verified: whoever wrote it was stopped. It only needs to be verified. */
async function startedBefore(
  { objects, log }: SnapshotContext,
  mark: LogMark,
  { digest }: Contents,
): Promise<Manifest | undefined> {
  for await (const { lsn, state, why, manifest, deletion } of snapshots(objects, log.storeId)) {
    if (lsn < mark.lsn) return undefined
    const same = lsn === mark.lsn && manifest?.hash === mark.hash && manifest.digest === digest
    if (same && state === 'complete' && why === undefined && deletion === undefined) return manifest
  }
  return undefined
}
