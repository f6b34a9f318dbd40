import type { Log } from '../log/log.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { newestVerified, type Snapshot, snapshots } from '../snapshot/catalog.ts'
import { checkedSnapshot } from '../snapshot/find.ts'
import { RETENTION_SETTINGS } from '../snapshot/retention.ts'
import type { SnapshotOutcome, TakeOptions } from '../snapshot/take.ts'
import type { Peer } from '../snapshot/verify.ts'
import { periodically } from './periodically.ts'

export interface SnapshotSettings {
  /** Ms between looks whether a snapshot is due; 0 never takes one by itself. */
  intervalMs: number
  /** New entries at which one is due. */
  minEntries: number
  /** Verified snapshots to keep. */
  keep: number
}

export const SNAPSHOT_SETTINGS: SnapshotSettings = { intervalMs: 0, minEntries: 2_000, keep: RETENTION_SETTINGS.keep }

export interface NodeSnapshotsOptions {
  objects: ObjectStore
  log: Log
  settings: SnapshotSettings
  onDuty(): boolean
  runtime: Runtime
  logger: Logger
  /** The end of the log as the node knows it. */
  tailLsn(): number
  /** What the node holds now, if it can be asked without keeping others waiting. */
  peer(): Promise<Peer | undefined>
  /** Takes one, off the threads that serve. */
  take(options: TakeOptions): Promise<SnapshotOutcome>
}

/** The snapshots of a node's store: what there is, taking one, and doing so from time to time. */
export class NodeSnapshots {
  readonly #options: NodeSnapshotsOptions
  readonly #stop = new AbortController()
  #taking: Promise<SnapshotOutcome> | undefined

  constructor(options: NodeSnapshotsOptions) {
    this.#options = options
    const { runtime, logger, settings, onDuty } = options
    const { signal } = this.#stop
    const failure = 'no snapshot could be taken'
    void periodically({ runtime, logger, signal, onDuty, intervalMs: settings.intervalMs, failure }, async () => {
      if (await this.#isDue()) await this.take()
    })
  }

  stop(): void {
    this.#stop.abort()
  }

  /** The newest first. */
  async list(limit: number): Promise<Snapshot[]> {
    const { objects, log } = this.#options
    const found: Snapshot[] = []
    for await (const snapshot of snapshots(objects, log.storeId)) {
      if (found.push(snapshot) >= limit) break
    }
    return found
  }

  /**
   * One snapshot; `check` reads its whole image and looks whether it is what the manifest says.
   *
   * @throws BorealError `not_found`
   */
  async find(id: string, options: { check?: boolean } = {}): Promise<Snapshot> {
    const { objects, log } = this.#options
    return checkedSnapshot(objects, log.storeId, id, options.check)
  }

  /** Takes a snapshot if there is anything new, or joins who is at it. */
  take(options: { check?: boolean } = {}): Promise<SnapshotOutcome> {
    this.#taking ??= this.#take(options).finally(() => (this.#taking = undefined))
    return this.#taking
  }

  /** A snapshot at an LSN, be it before the newest one. */
  takeAt(upTo: number): Promise<SnapshotOutcome> {
    return this.#options.take({ upTo })
  }

  async #take({ check }: { check?: boolean }): Promise<SnapshotOutcome> {
    const peer = await this.#options.peer()
    return this.#options.take({ ...(peer === undefined ? {} : { peer }), ...(check === undefined ? {} : { check }) })
  }

  async #isDue(): Promise<boolean> {
    const { objects, log, settings, tailLsn } = this.#options
    const newest = await newestVerified(objects, log.storeId)
    return tailLsn() - (newest?.lsn ?? 0) >= settings.minEntries
  }
}
