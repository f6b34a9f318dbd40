import type { DynamoStores } from '../log/dynamo-stores.ts'
import type { LeaseStore } from '../log/lease.ts'
import type { Log } from '../log/log.ts'
import type { RecentLimits } from '../log/recent-entries.ts'
import type { TrimmableLog } from '../log/trimmable-log.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { PastSettings } from '../recovery/past-stores.ts'
import type { FollowOptions } from '../replica/log-stream.ts'
import type { ReplayProgress } from '../replica/progress.ts'
import type { ReadAnswer } from '../replica/reader.ts'
import type { BaseImage } from '../store/base-image.ts'
import type { Engine } from '../store/engine.ts'
import type { HousekeepingLimits } from '../store/housekeeping.ts'
import type { StoreImage } from '../store/image-parts.ts'
import type { HorizonLimits } from '../writer/horizon.ts'
import type { LeaseSettings } from '../writer/lease-rules.ts'
import type { QueueLimits } from '../writer/queue.ts'
import type { StoreLimits } from '../writer/store-limits.ts'
import type { HistorySettings } from './history-pruner.ts'
import type { RunJob } from './jobs.ts'
import type { ArchiveSettings } from './node-archive.ts'
import type { BackupSettings } from './node-backups.ts'
import type { AsOf } from './node-past.ts'
import type { SnapshotSettings } from './node-snapshots.ts'

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
  /** One node leads and the others stand by. Without it every node writes. */
  lease?:
    | {
        leases: LeaseStore
        /** URL at which the others reach this node. */
        endpoint: string
        settings?: Partial<LeaseSettings> | undefined
      }
    | undefined
  /** Boots the writer's engine. Default: in a thread of its own. */
  boot?: ((image: StoreImage) => Promise<Engine>) | undefined
  /** Where snapshots are. Without it every start replays the whole log. */
  objects?: ObjectStore | undefined
  /** Where backups are. Default: with the objects. */
  backups?: ObjectStore | undefined
  /** When to make backups and restore drills, and what to keep. Default: only when asked to. */
  backupSettings?: Partial<BackupSettings> | undefined
  /** How many past states may be open, and how long. Default: see PAST_SETTINGS. */
  past?: Partial<PastSettings> | undefined
  /** The stores of the table, for clones of this one. Without it there are none. */
  stores?: DynamoStores | undefined
  /** Ms between rounds that delete what is left of deleted clones. Default: only when asked to. */
  sweepMs?: number | undefined
  /** When to take snapshots. Default: only when asked to. */
  snapshots?: Partial<SnapshotSettings> | undefined
  /** Runs jobs: taking a snapshot, and so on. Default: with engines in threads of their own, the rest in this one. */
  runJob?: RunJob | undefined
  /** When to archive and to trim. Default: only when asked to. */
  archive?: Partial<ArchiveSettings> | undefined
  /** Opens the log for trimming. Without it the node cannot. */
  trimmable?: (() => TrimmableLog) | undefined
  /** Memory that the writer's engine may take before additions are refused, bytes. */
  storeLimitBytes?: number | undefined
  /** Memory for the texts of large records that were read before, bytes; 0 keeps none. Default 32 MB. */
  keptRecordBytes?: number | undefined
  /** Another node that pushes what it knows to be durable. Default: the log is polled. */
  follow?: FollowOptions | undefined
  /** What is kept for those who follow this node. Default: see RECENT_LIMITS. */
  recent?: RecentLimits | undefined
  /** Ms after which a log that does not answer is away, and writes are told so. Default 1,800. */
  awayAfterMs?: number | undefined
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
  /** The format that a new log begins with. Default: the newest that this build knows. */
  newLogFormat?: number | undefined
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
  /** An earlier state. */
  | { level: 'asOf'; asOf: AsOf }

export interface NodeReadAnswer extends ReadAnswer {
  /** Ms since this node last knew that it had everything. */
  ageMs: number
}
