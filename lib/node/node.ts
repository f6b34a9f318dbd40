import type { Log } from '../log/log.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { TransactionAnswer, TransactionRequest } from '../model/transaction.ts'
import { Follower } from '../replica/follower.ts'
import type { HeldStore } from '../replica/held-store.ts'
import { Housekeeper } from '../replica/housekeeper.ts'
import { Poller } from '../replica/poller.ts'
import type { ReplayProgress } from '../replica/progress.ts'
import type { ReadAnswer } from '../replica/reader.ts'
import { ReaderPool } from '../replica/reader-pool.ts'
import { isMuch } from '../replica/replay.ts'
import { Tail } from '../replica/tail.ts'
import type { BaseImage } from '../store/base-image.ts'
import { digestOf, digestStatement } from '../store/digest.ts'
import type { Engine } from '../store/engine.ts'
import type { HousekeepingLimits } from '../store/housekeeping.ts'
import type { ResultSet } from '../store/protocol.ts'
import { assertQuery } from '../store/sql-guard.ts'
import type { Statement } from '../store/statement.ts'
import { ThreadEngine } from '../store/thread-engine.ts'
import type { HorizonLimits } from '../writer/horizon.ts'
import type { QueueLimits } from '../writer/queue.ts'
import { STORE_LIMITS, type StoreLimits } from '../writer/store-limits.ts'
import type { SubmitOptions } from '../writer/submission.ts'
import { Watermark } from '../writer/watermark.ts'
import { Writer } from '../writer/writer.ts'
import { HISTORY_SETTINGS, HistoryPruner, type HistorySettings } from './history-pruner.ts'
import { withLogPatience } from './log-patience.ts'
import { defaultStoreLimitBytes, processMemory } from './memory-limit.ts'
import { readersStart } from './readers-start.ts'

export interface NodeOptions {
  log: Log
  image: BaseImage
  runtime: Runtime
  logger: Logger
  /** Hears of a long replay: at its start, about every two seconds, and at its end. */
  onProgress?: ((progress: ReplayProgress) => void) | undefined
  /** Reader threads; 0 serves typed reads from the writer's store, between batches. Default 1. */
  readers?: number | undefined
  /** Nobody else can write to this log, so its end need not be asked for. Default false. */
  exclusive?: boolean | undefined
  /** Boots the writer's engine. Default: in a thread of its own. */
  boot?: ((image: BaseImage) => Promise<Engine>) | undefined
  /** Memory that the writer's engine may take before additions are refused, bytes. */
  storeLimitBytes?: number | undefined
  /** Ms a client's transaction may take. Default 25,000. */
  timeoutMs?: number | undefined
  /** Ms a typed read may take. Default 10,000. */
  readTimeoutMs?: number | undefined
  /** Ms a user's SQL may run. Default 5,000. */
  queryTimeoutMs?: number | undefined
  /** Ms between looks at the log while nothing else does it. Default 500; without effect when exclusive. */
  pollMs?: number | undefined
  /** Ms between rounds of maintenance. Default 10,000. */
  housekeepingMs?: number | undefined
  /** When maintenance is needed. Default: see HOUSEKEEPING_LIMITS. */
  housekeeping?: Partial<HousekeepingLimits> | undefined
  /** Reads that may wait for a reader; half of them may be one client's. Default 10,000. */
  maxWaitingReads?: number | undefined
  queue?: QueueLimits | undefined
  horizon?: HorizonLimits | undefined
  /** How long what is over is kept. Default: Aurora's. */
  history?: Partial<HistorySettings> | undefined
  /** Limits of what a job may hold. Default: Aurora's. */
  limits?: Partial<StoreLimits> | undefined
}

export type { ReplayProgress }

/** What a read must show. */
export type Consistency =
  /** Some committed state, without coordination. */
  | { level: 'weak' }
  /** Every write acknowledged before the call. */
  | { level: 'consistent' }
  /** At least this place of the log. */
  | { level: 'minLsn'; lsn: number }

export interface NodeReadAnswer extends ReadAnswer {
  /** Ms since this node last knew that it had everything. */
  ageMs: number
}

/** SQL answers have at most so many rows. */
export const MAX_QUERY_ROWS = 10_000

/** The client of reads that nobody else asks for. */
const OURSELVES = ''

const DIGEST_TIMEOUT_MS = 60_000

/**
 * A node: one log, one store that is written to, readers beside it. Several nodes on one table are several nodes of
 * one store; each is safe by itself, none needs to know the others.
 */
export class BorealNode {
  readonly log: Log
  readonly schemaVersion: number
  readonly #options: NodeOptions
  readonly #follower: Follower
  readonly #pool: ReaderPool
  readonly #tail: Tail
  readonly #writer: Writer
  readonly #watermark: Watermark
  readonly #poller: Poller
  readonly #housekeeper: Housekeeper
  readonly #pruner: HistoryPruner
  readonly #startedAt: number

  private constructor(options: NodeOptions, parts: Parts) {
    this.#options = options
    this.log = options.log
    this.schemaVersion = options.image.schemaVersion
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
  }

  /** Boots the engines, replays the log, and starts to serve. */
  static async open(options: NodeOptions): Promise<BorealNode> {
    const { log, image, runtime, logger } = options
    const boot =
      options.boot ??
      ((base) => ThreadEngine.boot(base, (reason) => logger.warn("the writer's engine ended", { reason })))
    const patiently = <T>(work: () => Promise<T>) =>
      withLogPatience(work, (error) => isBorealError(error, 'log_unavailable'), { runtime, logger })
    const genesis = await patiently(() => log.genesis())
    const pool = new ReaderPool({
      ...{ image, log, genesis, logger, runtime, count: options.readers ?? 1, housekeeping: options.housekeeping },
      ...(options.maxWaitingReads === undefined ? {} : { maxWaiting: options.maxWaitingReads }),
    })
    let writer: Writer | undefined
    const opening = Follower.open({
      log,
      logger,
      runtime,
      onProgress: options.onProgress,
      housekeeping: options.housekeeping,
      genesis,
      boot: () => boot(image),
      onStep: (step) => {
        pool.feed(step)
        writer?.observeStep(step)
      },
    })
    // Told below, where it is waited for.
    opening.catch(() => undefined)
    let follower: Follower
    try {
      const end = await patiently(() => log.findEnd(genesis.lsn))
      if (isMuch(genesis.lsn, end)) {
        follower = await opening
        await patiently(() => follower.load(end))
        await pool.start(await readersStart(follower, image, { count: options.readers ?? 1, logger }))
      } else [follower] = await Promise.all([opening, pool.start()])
      await patiently(() => follower.catchUp())
      await patiently(() => log.verifyEnd(follower.mark))
    } catch (error) {
      // Threads left behind would keep a process alive that has nothing to do.
      await Promise.allSettled([pool.stop(), opening.then((opened) => opened.stop())])
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
    const limitBytes = options.storeLimitBytes ?? defaultStoreLimitBytes(options.readers ?? 1)
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
