import type { Log } from '../log/log.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'
import { sha256Of } from '../objects/checked-document.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { allRecoveries, createRecovery, deleteRecovery, findRecovery, recoveryIdOf } from '../recovery/catalog.ts'
import { RECOVERY_FORMAT, type Recovery } from '../recovery/descriptor.ts'
import { variantOf } from '../recovery/edits.ts'
import type { PointTarget } from '../recovery/point.ts'
import type { NodePast } from './node-past.ts'

export interface StageRequest {
  target: PointTarget
  reason?: string | undefined
}

export interface StagedRecovery {
  recovery: Recovery
  /** The key with which the same request finds it again. */
  key: string
  /** False when it was there already, staged by the same request under the same key. */
  isNew: boolean
}

/** The recoveries of a node's store: earlier states with a name, staged for people to look into. */
export class NodeRecoveries {
  readonly #log: Log
  readonly #objects: ObjectStore
  readonly #past: NodePast
  readonly #runtime: Runtime

  constructor(context: { log: Log; objects: ObjectStore; past: NodePast; runtime: Runtime }) {
    const { log, objects, past, runtime } = context
    this.#runtime = runtime
    this.#log = log
    this.#objects = objects
    this.#past = past
  }

  /**
   * Fixes the point that a target means, and keeps it under a name of its own; the same request under the same key finds
   * what it has staged before. Nothing is restored yet.
   *
   * @throws BorealError as resolvePoint, and `idempotency_key_reused`
   */
  async stage(
    { target, reason }: StageRequest,
    { principal, key = this.#runtime.newId() }: { principal: string; key?: string | undefined },
  ): Promise<StagedRecovery> {
    const recoveryId = recoveryIdOf(principal, key)
    const hash = sha256Of(JSON.stringify([target, reason ?? null]))
    const staged = await this.#staged(recoveryId, hash, key)
    if (staged !== undefined) return staged
    const point = await this.#past.resolve(target)
    const content = {
      ...{ format: RECOVERY_FORMAT, recoveryId, storeId: this.#log.storeId, request: hash, target, point },
      entryTime: await this.#past.timeOf(point.lsn),
      state: 'staged',
      stagedAt: Math.round(this.#log.now()),
      stagedBy: principal,
      ...(reason === undefined ? {} : { reason }),
      edits: [],
    } satisfies Omit<Recovery, 'checksum'>
    try {
      return { recovery: (await createRecovery(this.#objects, content)).recovery, key, isNew: true }
    } catch (error) {
      // Somebody else was at the same request.
      const other = isBorealError(error, 'precondition_failed') ? await this.#staged(recoveryId, hash, key) : undefined
      if (other === undefined) throw error
      return other
    }
  }

  /**
   * Restores the state of a recovery on this node, so that reads find it open. One that was just staged and cannot be
   * restored is unloaded again.
   */
  async restore({ recovery, isNew }: StagedRecovery): Promise<Recovery> {
    try {
      const store = await this.#past.stores.open(recovery.point)
      store.close()
      return recovery
    } catch (error) {
      if (isNew && !isBorealError(error, 'not_ready')) await this.unload(recovery.recoveryId)
      throw error
    }
  }

  /** The newest first, and those whose descriptor is damaged. */
  list() {
    return allRecoveries(this.#objects, this.#log.storeId)
  }

  /** @throws BorealError `not_found`, `snapshot_corrupt` */
  async find(id: string): Promise<Recovery> {
    return (await findRecovery(this.#objects, this.#log.storeId, id)).recovery
  }

  /**
   * Removes a recovery, and ends its store on this node if nobody reads it; other nodes end theirs when it was not used for
   * some time.
   *
   * @throws BorealError `not_found`
   */
  async unload(id: string): Promise<void> {
    const recovery = await this.find(id).catch((error: unknown) => {
      if (isBorealError(error, 'snapshot_corrupt')) return undefined
      throw error
    })
    await deleteRecovery(this.#objects, this.#log.storeId, id)
    if (recovery !== undefined) this.#past.stores.forget(recovery.point, variantOf(recovery))
  }

  async #staged(id: string, request: string, key: string): Promise<StagedRecovery | undefined> {
    const recovery = await this.find(id).catch((error: unknown) => {
      if (isBorealError(error, 'not_found')) return undefined
      throw error
    })
    if (recovery === undefined || recovery.request === request) return recovery && { recovery, key, isNew: false }
    throw new BorealError('idempotency_key_reused', 'another recovery was staged under this idempotency key')
  }
}
