import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { findSnapshot, newestVerified, type Snapshot, snapshots } from '../snapshot/catalog.ts'
import { imageParts } from '../snapshot/image-object.ts'
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
    const { runtime, logger, settings } = options
    const { signal } = this.#stop
    const rounds = { runtime, logger, signal, intervalMs: settings.intervalMs, failure: 'no snapshot could be taken' }
    void periodically(rounds, async () => {
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
    const snapshot = await findSnapshot(objects, log.storeId, id)
    if (snapshot === undefined) throw new BorealError('not_found', `there is no snapshot ${id}; boreal snapshot list`)
    if (!options.check || snapshot.manifest === undefined || snapshot.state === 'damaged') return snapshot
    try {
      await imageParts(objects, snapshot.manifest).check()
      return snapshot
    } catch (error) {
      if (error instanceof BorealError && error.code === 'snapshot_corrupt') {
        return { ...snapshot, state: 'damaged', why: error.message }
      }
      throw error
    }
  }

  /** Takes a snapshot if there is anything new, or joins who is at it. */
  take(options: { check?: boolean } = {}): Promise<SnapshotOutcome> {
    this.#taking ??= this.#take(options).finally(() => (this.#taking = undefined))
    return this.#taking
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
