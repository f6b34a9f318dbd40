import type { Log } from '../log/log.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { TransactionAnswer, TransactionRequest } from '../model/transaction.ts'
import type { Follower } from '../replica/follower.ts'
import type { HeldStore } from '../replica/held-store.ts'
import { Housekeeper } from '../replica/housekeeper.ts'
import { withBestImage } from '../replica/image-source.ts'
import { Poller } from '../replica/poller.ts'
import type { ReadAnswer } from '../replica/reader.ts'
import type { ReaderPool } from '../replica/reader-pool.ts'
import { Tail } from '../replica/tail.ts'
import { digestOf, digestStatement } from '../store/digest.ts'
import { KeptRecords } from '../store/kept-records.ts'
import type { ResultSet } from '../store/protocol.ts'
import { assertQuery } from '../store/sql-guard.ts'
import type { Statement } from '../store/statement.ts'
import { ThreadEngine } from '../store/thread-engine.ts'
import { STORE_LIMITS, type StoreLimits } from '../writer/store-limits.ts'
import type { SubmitOptions } from '../writer/submission.ts'
import { Watermark } from '../writer/watermark.ts'
import { Writer } from '../writer/writer.ts'
import { HISTORY_SETTINGS, HistoryPruner } from './history-pruner.ts'
import { withLogPatience } from './log-patience.ts'
import { defaultStoreLimitBytes, processMemory } from './memory-limit.ts'
import { type NodeBackups, nodeBackups } from './node-backups.ts'
import type { Consistency, NodeOptions, NodeReadAnswer } from './node-options.ts'
import type { NodeSnapshots } from './node-snapshots.ts'
import { Operations } from './operations.ts'
import { jobsOf } from './own-jobs.ts'
import { snapshotsOf } from './own-snapshots.ts'
import { openStores, restartImages } from './restart.ts'

export type { ReplayProgress } from '../replica/progress.ts'
export type { Consistency, NodeOptions, NodeReadAnswer } from './node-options.ts'

/** SQL answers have at most so many rows. */
export const MAX_QUERY_ROWS = 10_000

/** The client of reads that nobody else asks for. */
const OURSELVES = ''

const DIGEST_TIMEOUT_MS = 60_000

const KEPT_RECORD_BYTES = 32 * 1024 * 1024

/**
 * A node: one log, one store that is written to, readers beside it. Several nodes on one table are several nodes of
 * one store; each is safe by itself, none needs to know the others.
 */
export class BorealNode {
  readonly log: Log
  readonly schemaVersion: number
  /** Large records that were read before. They belong to this store, as versions do. */
  readonly records: KeptRecords
  readonly #options: NodeOptions
  readonly #follower: Follower
  readonly #pool: ReaderPool
  readonly #tail: Tail
  readonly #writer: Writer
  readonly #watermark: Watermark
  readonly #poller: Poller
  readonly #housekeeper: Housekeeper
  readonly #pruner: HistoryPruner
  readonly #snapshots: NodeSnapshots | undefined
  readonly #backups: NodeBackups | undefined
  readonly #ending = new AbortController()
  readonly #startedAt: number
  /** What takes longer than a request may. */
  readonly operations: Operations

  private constructor(options: NodeOptions, parts: Parts) {
    this.#options = options
    this.log = options.log
    this.schemaVersion = options.image.schemaVersion
    this.records = new KeptRecords(options.keptRecordBytes ?? KEPT_RECORD_BYTES)
    this.#follower = parts.follower
    this.#pool = parts.pool
    this.#tail = parts.tail
    this.#writer = parts.writer
    this.#watermark = parts.watermark
    this.#poller = parts.poller
    this.#housekeeper = parts.housekeeper
    this.#startedAt = options.runtime.monotonic()
    this.#pruner = new HistoryPruner({
      settings: { ...HISTORY_SETTINGS, ...options.history },
      runtime: options.runtime,
      logger: options.logger,
      now: () => this.log.now(),
      read: async (statement) => (await this.read([statement], { level: 'consistent' })).results[0]!,
      submit: (request) => this.submit(request, { principal: 'boreal', reason: 'history' }),
    })
    this.operations = new Operations(options.runtime)
    const { signal } = this.#ending
    const run = jobsOf(options)
    this.#backups = nodeBackups(options, run, signal)
    this.#snapshots = snapshotsOf(this, options, {
      run,
      readers: () => this.#pool.readers.length,
      signal,
    })
  }

  /** Boots the engines from the newest usable snapshot, replays what the log has beyond it, and starts to serve. */
  static async open(options: NodeOptions): Promise<BorealNode> {
    const { log, image, runtime, logger } = options
    const boot =
      options.boot ??
      ((base) =>
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
      await startReaders()
      await patiently(() => follower.catchUp())
      await patiently(() => log.verifyEnd(follower.mark))
    } catch (error) {
      await stop()
      throw error
    }

    const probe = async () => {
      const item = await log.probe(follower.mark.lsn)
      if (item !== undefined) {
        writer?.observeItem(item)
        await follower.catchUp()
      }
      return follower.mark.lsn
    }
    const tail = new Tail({
      lsn: follower.mark.lsn,
      probe,
      exclusive: options.exclusive ?? false,
      monotonic: runtime.monotonic,
    })
    // Jobs have a store of their own, one at a time.
    const hasJobs = options.snapshots?.intervalMs || options.backupSettings?.intervalMs
    const otherStores = (options.readers ?? 1) + (hasJobs ? 1 : 0)
    const limitBytes = options.storeLimitBytes ?? defaultStoreLimitBytes(otherStores)
    const watermark = new Watermark({ follower, limitBytes })
    writer = new Writer({
      follower,
      log,
      tail,
      runtime,
      logger,
      watermark,
      limits: limitsOf(options),
      ...(options.queue === undefined ? {} : { queue: options.queue }),
      ...(options.horizon === undefined ? {} : { horizon: options.horizon }),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    })
    const started = writer
    await started.start()
    const poller = new Poller({ tail, runtime, logger, intervalMs: options.exclusive ? 0 : (options.pollMs ?? 500) })
    const isBusy = () => started.isBusy
    const households = () => [{ keepHouse: () => follower.keepHouse(isBusy) }, ...pool.readers]
    const housekeeper = new Housekeeper({ households, runtime, logger, intervalMs: options.housekeepingMs ?? 10_000 })
    return new BorealNode(options, { follower, pool, tail, writer, watermark, poller, housekeeper })
  }

  get storeId(): string {
    return this.log.storeId
  }

  /** Limits of what a job may hold. */
  get limits(): StoreLimits {
    return limitsOf(this.#options)
  }

  /** The highest LSN this node knows to be durable. */
  get tailLsn(): number {
    return Math.max(this.#tail.known, this.#follower.mark.lsn)
  }

  /** See Writer.submit. */
  submit(request: TransactionRequest, options: SubmitOptions): Promise<TransactionAnswer> {
    return this.#writer.submit(request, options)
  }

  /** The answer of a transaction at a place of the log. */
  async answerAt(lsn: number, index: number): Promise<TransactionAnswer> {
    return (await this.#writer.answers.at(lsn, index)).answer
  }

  /** Runs statements at one place of the log that satisfies the consistency. Clients take turns at busy readers. */
  async read(statements: Statement[], consistency: Consistency, client = OURSELVES): Promise<NodeReadAnswer> {
    const { readTimeoutMs = 10_000, runtime } = this.#options
    const deadline = runtime.monotonic() + readTimeoutMs
    const minLsn = await this.#minLsn(consistency)
    const answer =
      this.#pool.readers.length > 0
        ? await this.#pool.read(statements, { minLsn, deadline, client }, readTimeoutMs)
        : await this.#readFromStore(statements, minLsn, deadline)
    return { ...answer, ageMs: this.#tail.ageMs }
  }

  /** Holds a store at one place of the log that satisfies the consistency. The work must be repeatable. */
  async hold<T>(
    work: (store: HeldStore) => Promise<T>,
    consistency: Consistency,
    client = OURSELVES,
  ): Promise<T & { ageMs: number }> {
    const { readTimeoutMs = 10_000, runtime } = this.#options
    const deadline = runtime.monotonic() + readTimeoutMs
    const minLsn = await this.#minLsn(consistency)
    const held = async () => {
      if (this.#pool.readers.length > 0) return this.#pool.hold(work, { minLsn, deadline, client }, readTimeoutMs)
      await this.#reached(minLsn, deadline)
      return this.#follower.hold(work)
    }
    return { ...(await held()), ageMs: this.#tail.ageMs }
  }

  /** Runs one statement of a user's, read-only, on a reader. */
  async query(
    statement: Statement,
    maxRows: number,
    consistency: Consistency,
    client = OURSELVES,
  ): Promise<{ lsn: number; result: ResultSet }> {
    if (this.#options.readers === 0) {
      throw new BorealError(
        'not_available',
        'this node has no reader, and SQL is not run on the store that is written to',
      )
    }
    assertQuery(statement.sql)
    const { queryTimeoutMs = 5_000, readTimeoutMs = 10_000, runtime } = this.#options
    const deadline = runtime.monotonic() + readTimeoutMs
    const minLsn = await this.#minLsn(consistency)
    return this.#pool.query(statement, maxRows, { minLsn, deadline, client }, queryTimeoutMs)
  }

  /** Digest of the state, and the LSN it belongs to. Reads every row. */
  async digest(): Promise<{ lsn: number; digest: string }> {
    const { runtime } = this.#options
    const minLsn = await this.#tail.confirm()
    const deadline = runtime.monotonic() + DIGEST_TIMEOUT_MS
    const { lsn, results } =
      this.#pool.readers.length > 0
        ? await this.#pool.read([digestStatement], { minLsn, deadline, client: OURSELVES }, DIGEST_TIMEOUT_MS)
        : await this.#readFromStore([digestStatement], minLsn, deadline)
    return { lsn, digest: digestOf(results[0]) }
  }

  /** Removes what is over and older than it is kept, now instead of at the next round. */
  prune(): Promise<{ tasks: number; updates: number }> {
    return this.#pruner.prune()
  }

  /**
   * The snapshots of the store.
   *
   * @throws BorealError `not_available` when the node has no object store
   */
  get snapshots(): NodeSnapshots {
    if (this.#snapshots !== undefined) return this.#snapshots
    throw new BorealError('not_available', 'this node was opened without an object store, so it has no snapshots')
  }

  /**
   * The backups of the store.
   *
   * @throws BorealError `not_available` when the node has no object store
   */
  get backups(): NodeBackups {
    if (this.#backups !== undefined) return this.#backups
    throw new BorealError('not_available', 'this node was opened without an object store, so it has no backups')
  }

  /** Confirms that this node has everything that is in the log at the time of the call. */
  async confirm(): Promise<number> {
    return this.#tail.confirm()
  }

  /** Figures about the node, for people and monitors. */
  async status() {
    const { runtime } = this.#options
    const memory = await Promise.allSettled(this.#pool.readers.map((reader) => reader.memory()))
    return {
      storeId: this.storeId,
      role: 'writer' as const,
      lsn: this.tailLsn,
      appliedLsn: this.#follower.mark.lsn,
      schemaVersion: this.schemaVersion,
      writerTerm: 0,
      writer: this.log.writer,
      time: this.log.now(),
      clockSkewMs: this.log.clockSkewMs ?? 0,
      tailAgeMs: this.#tail.ageMs,
      uptimeMs: Math.round(runtime.monotonic() - this.#startedAt),
      waiting: this.#writer.waiting,
      storeBytes: this.#watermark.bytes || (await this.#follower.engine.memory().catch(() => 0)),
      storeLimitBytes: this.#watermark.limitBytes,
      storeFull: this.#watermark.full,
      process: processMemory(),
      housekeeping: this.#housekeeper.figures,
      ...(this.#follower.progress === undefined ? {} : { replay: this.#follower.progress }),
      readers: this.#pool.readers.map((reader, index) => {
        const bytes = memory[index]
        return {
          appliedLsn: reader.lsn,
          load: reader.load,
          ...(bytes?.status === 'fulfilled' ? { bytes: bytes.value } : {}),
        }
      }),
    }
  }

  /** Finishes what is on its way and ends. */
  async close(): Promise<void> {
    this.#snapshots?.stop()
    this.#ending.abort()
    this.#poller.stop()
    this.#housekeeper.stop()
    this.#pruner.stop()
    this.#watermark.stop()
    await this.#writer.stop()
    await this.#pool.stop()
    await this.#follower.stop()
  }

  async #minLsn(consistency: Consistency): Promise<number> {
    switch (consistency.level) {
      case 'weak':
        return 0
      case 'consistent':
        return this.#tail.confirm()
      case 'minLsn':
        // A node that does not have it yet looks at the log instead of waiting for somebody else to.
        if (consistency.lsn > this.tailLsn) void this.#tail.confirm().catch(() => undefined)
        return consistency.lsn
    }
  }

  async #readFromStore(statements: Statement[], minLsn: number, deadline: number): Promise<ReadAnswer> {
    await this.#reached(minLsn, deadline)
    return this.#follower.read(statements)
  }

  /** Waits until the writer's store has got this far. */
  async #reached(minLsn: number, deadline: number): Promise<void> {
    const { runtime } = this.#options
    while (this.#follower.mark.lsn < minLsn) {
      if (runtime.monotonic() >= deadline) {
        const lsn = this.#follower.mark.lsn
        throw new BorealError('lsn_not_reached', `this node has LSN ${lsn}, not yet ${minLsn}`, { retryAfter: 1 })
      }
      await runtime.sleep(2)
    }
  }
}

function limitsOf({ limits }: NodeOptions): StoreLimits {
  return { ...STORE_LIMITS, ...limits }
}

interface Parts {
  follower: Follower
  pool: ReaderPool
  tail: Tail
  writer: Writer
  watermark: Watermark
  poller: Poller
  housekeeper: Housekeeper
}
