import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'
import type { TransactionAnswer, WriterRequest } from '../model/transaction.ts'
import type { HeldStore } from '../replica/held-store.ts'
import type { LogFeed } from '../replica/log-feed.ts'
import type { ReadAnswer } from '../replica/reader.ts'
import { digestOf, digestsAt } from '../store/digest.ts'
import { KeptRecords } from '../store/kept-records.ts'
import type { ResultSet } from '../store/result-set.ts'
import { assertQuery } from '../store/sql-guard.ts'
import type { Statement } from '../store/statement.ts'
import type { AloneOutcome, AloneTransaction } from '../writer/alone.ts'
import type { Leadership } from '../writer/leadership.ts'
import type { StoreLimits } from '../writer/store-limits.ts'
import type { SubmitOptions } from '../writer/submission.ts'
import { HISTORY_SETTINGS, HistoryPruner } from './history-pruner.ts'
import type { NodeArchive } from './node-archive.ts'
import type { NodeBackups } from './node-backups.ts'
import type { NodeClones } from './node-clones.ts'
import { NodeMigrations } from './node-migrations.ts'
import type { Consistency, NodeOptions, NodeReadAnswer } from './node-options.ts'
import { type NodePast, onlyPresent } from './node-past.ts'
import type { NodeRecoveries } from './node-recoveries.ts'
import type { NodeSnapshots } from './node-snapshots.ts'
import { limitsOf, type NodeParts, openParts } from './open-parts.ts'
import { Operations } from './operations.ts'
import { movesOf, type NodeMoves } from './own-moves.ts'
import { pastOf } from './own-past.ts'
import { available, type NodeServices, servicesOf } from './services.ts'
import { SharedReads } from './shared-reads.ts'
import { type NodeStatus, nodeStatus } from './status.ts'

export type { FollowOptions } from '../replica/log-stream.ts'
export type { ReplayProgress } from '../replica/progress.ts'
export type { Leader, Leadership } from '../writer/leadership.ts'
export type { Consistency, NodeOptions, NodeReadAnswer } from './node-options.ts'
export type { AsOf } from './node-past.ts'

/** SQL answers have at most so many rows. */
export const MAX_QUERY_ROWS = 10_000

/** The client of reads that nobody else asks for. */
const OURSELVES = ''

const DIGEST_TIMEOUT_MS = 60_000

/** So long a large transaction lets the readers take the large step before it, and between two looks whether they have. */
const READERS_FIRST_MS = 30_000
const READERS_LOOK_MS = 20

const KEPT_RECORD_BYTES = 32 * 1024 * 1024

/**
 * A node: one log, one store that is written to, readers beside it. Several nodes on one table are several nodes of
 * one store; each is safe by itself, none needs to know the others. With a lease one of them leads, and the others stand by.
 */
export class BorealNode {
  readonly log: Log
  readonly schemaVersion: number
  /** Large records that were read before. They belong to this store, as versions do. */
  readonly records: KeptRecords
  /** Reads of large records that several ask for at once. */
  readonly shared: SharedReads
  readonly #options: NodeOptions
  readonly #parts: NodeParts
  readonly #pruner: HistoryPruner
  readonly #services: NodeServices
  readonly #ending = new AbortController()
  readonly #startedAt: number
  /** What takes longer than a request may. */
  readonly operations: Operations
  /** Earlier states of the store. */
  readonly past: NodePast
  /** Making it like one of them. */
  readonly moves: NodeMoves
  /** What brings stores of other schemas to that of this build. */
  readonly migrations: NodeMigrations

  private constructor(options: NodeOptions, parts: NodeParts) {
    this.#options = options
    this.#parts = parts
    this.log = options.log
    this.schemaVersion = options.image.schemaVersion
    this.records = new KeptRecords(options.keptRecordBytes ?? KEPT_RECORD_BYTES)
    this.shared = new SharedReads(options.runtime)
    this.#startedAt = options.runtime.monotonic()
    this.#pruner = new HistoryPruner({
      settings: { ...HISTORY_SETTINGS, ...options.history },
      onDuty: () => this.onDuty,
      runtime: options.runtime,
      logger: options.logger,
      now: () => this.log.now(),
      read: async (statement) => (await this.read([statement], { level: 'consistent' })).results[0]!,
      submit: (request) => this.submit(request, { principal: 'boreal', reason: 'history' }),
    })
    this.operations = new Operations(options.runtime)
    this.past = pastOf(this, options)
    this.moves = movesOf(this, options)
    this.migrations = new NodeMigrations(this, { ...options, base: options.image })
    this.#services = servicesOf(this, options, {
      readers: () => this.#parts.pool.readers.length,
      signal: this.#ending.signal,
    })
  }

  /** Boots the engines from the newest usable snapshot, replays what the log has beyond it, and starts to serve. */
  static async open(options: NodeOptions): Promise<BorealNode> {
    return new BorealNode(options, await openParts(options))
  }

  get storeId(): string {
    return this.log.storeId
  }

  /** Limits of what a job may hold. */
  get limits(): StoreLimits {
    return limitsOf(this.#options)
  }

  /** The format of the store: what its log may hold. */
  get format(): number {
    return this.#parts.writer.format
  }

  /** Memory of the writer's engine when it was last looked at. */
  get storeBytes(): number {
    return this.#parts.watermark.bytes
  }

  /** The highest LSN this node knows to be durable. */
  get tailLsn(): number {
    return Math.max(this.#parts.tail.known, this.#parts.follower.mark.lsn)
  }

  /** Its clocks. */
  get runtime(): Runtime {
    return this.#options.runtime
  }

  /** The node's part in the lease; undefined when every node writes. */
  get leadership(): Leadership | undefined {
    return this.#parts.leadership
  }

  /** Whether what only one node need do is this node's: it leads, or there is no lease. */
  get onDuty(): boolean {
    return this.leadership?.leads ?? true
  }

  /** What those are told who follow this node; undefined when nobody else can be on its table. */
  get feed(): LogFeed | undefined {
    return this.#parts.feed
  }

  /** See Writer.submit. */
  submit(request: WriterRequest, options: SubmitOptions): Promise<TransactionAnswer> {
    return this.#parts.writer.submit(request, options)
  }

  /**
   * See Writer.submitAlone. While readers take the large step before, the writer's store serves consistent reads for them, and
   * it would be busy with this one: so they come first, if it does not take them too long.
   */
  async submitAlone(alone: AloneTransaction): Promise<AloneOutcome> {
    const { monotonic, sleep } = this.#options.runtime
    const patience = Math.min(alone.deadline, monotonic() + READERS_FIRST_MS)
    while (this.#parts.pool.isBehind && monotonic() < patience) await sleep(READERS_LOOK_MS)
    return this.#parts.writer.submitAlone(alone)
  }

  /** The answer of a transaction at a place of the log. */
  async answerAt(lsn: number, index: number): Promise<TransactionAnswer> {
    return (await this.#parts.writer.answers.at(lsn, index)).answer
  }

  /** Runs statements at one place of the log that satisfies the consistency. Clients take turns at busy readers. */
  async read(statements: Statement[], consistency: Consistency, client = OURSELVES): Promise<NodeReadAnswer> {
    const { readTimeoutMs = 10_000, runtime } = this.#options
    if (consistency.level === 'asOf') {
      return { ...(await this.past.read(statements, consistency.asOf)), ageMs: this.#parts.tail.ageMs }
    }
    const deadline = runtime.monotonic() + readTimeoutMs
    const minLsn = await this.#minLsn(consistency)
    const answer = this.#parts.pool.canServe(minLsn)
      ? await this.#parts.pool.read(statements, { minLsn, deadline, client }, readTimeoutMs)
      : await this.#readFromStore(statements, minLsn, deadline)
    return { ageMs: this.#parts.tail.ageMs, ...answer }
  }

  /** Holds a store at one place of the log that satisfies the consistency. The work must be repeatable. */
  async hold<T>(
    work: (store: HeldStore) => Promise<T>,
    consistency: Consistency,
    client = OURSELVES,
  ): Promise<T & { ageMs: number }> {
    const { readTimeoutMs = 10_000, runtime } = this.#options
    const deadline = runtime.monotonic() + readTimeoutMs
    if (consistency.level === 'asOf') throw onlyPresent()
    const minLsn = await this.#minLsn(consistency)
    const held = async () => {
      if (this.#parts.pool.canServe(minLsn))
        return this.#parts.pool.hold(work, { minLsn, deadline, client }, readTimeoutMs)
      await this.#reached(minLsn, deadline)
      return this.#parts.follower.hold(work)
    }
    return { ...(await held()), ageMs: this.#parts.tail.ageMs }
  }

  /** Runs one statement of a user's, read-only, on a reader. */
  async query(
    statement: Statement,
    maxRows: number,
    consistency: Consistency,
    client = OURSELVES,
  ): Promise<{ lsn: number; result: ResultSet }> {
    if (consistency.level === 'asOf') return this.past.query(statement, maxRows, consistency.asOf)
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
    return this.#parts.pool.query(statement, maxRows, { minLsn, deadline, client }, queryTimeoutMs)
  }

  /** Digest of the state, and the LSN it belongs to. Reads every row. */
  async digest(): Promise<{ lsn: number; digest: string }> {
    const { runtime } = this.#options
    const minLsn = await this.#parts.tail.confirm()
    const deadline = runtime.monotonic() + DIGEST_TIMEOUT_MS
    const { digest } = digestsAt(this.schemaVersion)
    const { lsn, results } =
      this.#parts.pool.readers.length > 0
        ? await this.#parts.pool.read([digest], { minLsn, deadline, client: OURSELVES }, DIGEST_TIMEOUT_MS)
        : await this.#readFromStore([digest], minLsn, deadline)
    return { lsn, digest: digestOf(results[0]) }
  }

  /** Removes what is over and older than it is kept, now instead of at the next round. */
  prune(): Promise<{ tasks: number; updates: number }> {
    return this.#pruner.prune()
  }

  /** The snapshots of the store. @throws BorealError `not_available` without an object store, as all of these do */
  get snapshots(): NodeSnapshots {
    return available(this.#services.snapshots, 'snapshots')
  }

  /** The backups of the store. */
  get backups(): NodeBackups {
    return available(this.#services.backups, 'backups')
  }

  /** The archive of the store, and trimming. */
  get archive(): NodeArchive {
    return available(this.#services.archive, 'archive')
  }

  /** The recoveries of the store. */
  get recoveries(): NodeRecoveries {
    return available(this.#services.recoveries, 'recoveries')
  }

  /** The stores of the table, and clones of this node's. */
  get clones(): NodeClones {
    return available(this.#services.clones, 'clones')
  }

  /** Confirms that this node has everything that is in the log at the time of the call. */
  async confirm(): Promise<number> {
    return this.#parts.tail.confirm()
  }

  /** Figures about the node, for people and monitors. */
  status(): Promise<NodeStatus> {
    const uptimeMs = Math.round(this.#options.runtime.monotonic() - this.#startedAt)
    return nodeStatus(this, this.#parts, uptimeMs)
  }

  /** Lets another node lead, if this one does; it goes on serving. See Leadership.handOver. */
  async handOver(): Promise<void> {
    await this.leadership?.handOver()
  }

  /** Finishes what is on its way and ends. */
  async close(): Promise<void> {
    await this.handOver()
    await this.leadership?.stop()
    this.#services.snapshots?.stop()
    this.#ending.abort()
    this.#parts.poller.stop()
    await this.#parts.stream?.stop()
    this.#parts.housekeeper.stop()
    this.#pruner.stop()
    this.#parts.watermark.stop()
    await this.past.stores.stop()
    await this.#parts.writer.stop()
    await this.#parts.pool.stop()
    await this.#parts.follower.stop()
  }

  async #minLsn(consistency: Exclude<Consistency, { level: 'asOf' }>): Promise<number> {
    switch (consistency.level) {
      case 'weak':
        return 0
      case 'consistent':
        return this.#parts.tail.confirm()
      case 'minLsn':
        // A node that does not have it yet looks at the log instead of waiting for somebody else to.
        if (consistency.lsn > this.tailLsn) void this.#parts.tail.confirm().catch(() => undefined)
        return consistency.lsn
    }
  }

  async #readFromStore(statements: Statement[], minLsn: number, deadline: number): Promise<ReadAnswer> {
    await this.#reached(minLsn, deadline)
    return this.#parts.follower.read(statements)
  }

  /** Waits until the writer's store has got this far. */
  async #reached(minLsn: number, deadline: number): Promise<void> {
    const { runtime } = this.#options
    while (this.#parts.follower.mark.lsn < minLsn) {
      if (runtime.monotonic() >= deadline) {
        const lsn = this.#parts.follower.mark.lsn
        throw new BorealError('lsn_not_reached', `this node has LSN ${lsn}, not yet ${minLsn}`, { retryAfter: 1 })
      }
      await runtime.sleep(2)
    }
  }
}
