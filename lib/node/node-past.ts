import type { LogMark } from '../log/chain.ts'
import { LogTrimmed } from '../log/corrupt-entry.ts'
import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { findRecovery } from '../recovery/catalog.ts'
import { variantOf } from '../recovery/edits.ts'
import type { Variant } from '../recovery/past-store.ts'
import {
  type OpenOptions,
  type PastSettings,
  type PastStore,
  PastStores,
  type PastStoresContext,
} from '../recovery/past-stores.ts'
import type { Point, PointTarget } from '../recovery/point.ts'
import { resolvePoint } from '../recovery/resolve.ts'
import type { ReadAnswer } from '../replica/reader.ts'
import type { ResultSet } from '../store/result-set.ts'
import { assertQuery } from '../store/sql-guard.ts'
import type { Statement } from '../store/statement.ts'

/** What a read of the past shows: a point of the log, or what a recovery has staged. */
export type AsOf = Exclude<PointTarget, { backupId: string }> | { recoveryId: string }

export interface NodePastOptions extends PastStoresContext {
  objects: ObjectStore | undefined
  settings: Partial<PastSettings> | undefined
  /** Ms that a typed read may take, its waiting included, and ms that a user's SQL may run. */
  readMs: number
  queryMs: number
  tailLsn(): number
  confirm(): Promise<number>
  /** The last LSN that a backup or a snapshot has; undefined when there is none with this id. */
  lsnOfBackup(id: string): Promise<number | undefined>
}

/** Reads of earlier states, and what they are read from. */
export class NodePast {
  readonly stores: PastStores
  readonly #options: NodePastOptions
  #genesis: Promise<LogMark | undefined> | undefined

  constructor(options: NodePastOptions) {
    this.#options = options
    this.stores = new PastStores(options, options.settings)
  }

  /** The point that a target means now. See resolvePoint. */
  resolve(target: PointTarget): Promise<Point> {
    const { log, images, tailLsn, confirm, lsnOfBackup } = this.#options
    return resolvePoint({ log, images, tailLsn, confirm, lsnOfBackup, genesis: () => this.#begin() }, target)
  }

  /** The time of an entry that is in the log; of one that was trimmed, from the image that ends with it. */
  async timeOf(lsn: number): Promise<number> {
    const { log, images } = this.#options
    const genesis = await this.#begin()
    if (lsn === genesis?.lsn) return genesis.time
    try {
      const entry = await log.entry(lsn)
      if (entry !== undefined) return entry.time
    } catch (error) {
      if (!(error instanceof LogTrimmed)) throw error
    }
    for await (const { mark } of images.images(lsn)) if (mark.lsn === lsn) return mark.time
    throw new BorealError('out_of_retention', `log entry ${lsn} was trimmed`)
  }

  /** Runs statements at a point. */
  async read(statements: Statement[], asOf: AsOf): Promise<ReadAnswer> {
    return this.#use(asOf, true, async (store) => ({ lsn: store.lsn, results: await store.read(statements) }))
  }

  /** Runs one statement of a user's, read-only. */
  async query(statement: Statement, maxRows: number, asOf: AsOf): Promise<{ lsn: number; result: ResultSet }> {
    assertQuery(statement.sql)
    return this.#use(asOf, false, async (store) => ({ lsn: store.lsn, result: await store.query(statement, maxRows) }))
  }

  async #use<T>(asOf: AsOf, repeatable: boolean, work: (store: PastStore) => Promise<T>): Promise<T> {
    const { readMs, queryMs, runtime } = this.#options
    const deadline = runtime.monotonic() + readMs
    const { point, variant } = await this.#place(asOf)
    const options: OpenOptions & { deadline: number } = { deadline, variant, readMs, queryMs }
    return this.stores.use(point, work, { ...options, repeatable })
  }

  async #place(asOf: AsOf): Promise<{ point: Point; variant?: Variant }> {
    if (!('recoveryId' in asOf)) return { point: await this.resolve(asOf) }
    const { objects, log } = this.#options
    if (objects === undefined) throw noRecoveries()
    const { recovery } = await findRecovery(objects, log.storeId, asOf.recoveryId)
    const variant = variantOf(recovery)
    return { point: recovery.point, ...(variant === undefined ? {} : { variant }) }
  }

  /** Where the log begins does not change; a failure is not kept. */
  #begin(): Promise<LogMark | undefined> {
    this.#genesis ??= genesisOf(this.#options.log).catch((error: unknown) => {
      this.#genesis = undefined
      throw error
    })
    return this.#genesis
  }
}

export function noRecoveries(): BorealError {
  return new BorealError('not_available', 'this node was opened without an object store, so it has no recoveries')
}

/** Operations are decided on the newest state, so what they would do is shown on it alone. */
export function onlyPresent(): BorealError {
  return new BorealError('invalid_field', 'what operations would do cannot be read on an earlier state', {
    errors: [{ path: 'operations', message: 'do not go with asOfLsn, asOfTime and recovery' }],
  })
}

async function genesisOf(log: Log): Promise<LogMark | undefined> {
  try {
    return await log.genesis()
  } catch (error) {
    if (error instanceof LogTrimmed) return undefined
    throw error
  }
}
