import { join } from 'node:path'
import { ArchivedLog } from '../archive/archived-log.ts'
import { backupsAsSnapshots } from '../backup/as-snapshots.ts'
import { createDynamoClient } from '../log/dynamo-client.ts'
import { classifyFailure } from '../log/dynamo-failure.ts'
import { DynamoLease } from '../log/dynamo-lease.ts'
import { DynamoLog } from '../log/dynamo-log.ts'
import { ensureTable, isStoreInTable, openStore } from '../log/dynamo-store.ts'
import { DynamoStores } from '../log/dynamo-stores.ts'
import { DynamoTrimmableLog } from '../log/dynamo-trimmable-log.ts'
import type { LeaseStore } from '../log/lease.ts'
import { Log } from '../log/log.ts'
import { PATIENT, type RequestLimits } from '../log/request-limits.ts'
import type { TableTransport } from '../log/table-transport.ts'
import type { TrimmableLog } from '../log/trimmable-log.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { DirectoryObjects } from '../objects/directory-objects.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { S3Objects } from '../objects/s3-objects.ts'
import type { ObjectsPlace, Storage } from './config.ts'
import { withLogPatience } from './log-patience.ts'
import { assertNothingLost } from './lost-store.ts'
import { EMBEDDED_TABLE, openFolder } from './shared-folder.ts'

/** How a log that is open is reached: plain data, so that another thread of the process can open it, too. */
export interface LogAddress {
  storeId: string
  table: string
  /** LSN of its genesis item. */
  startsAt: number
  /** Where the table is; undefined: as the SDK finds it. */
  endpoint: string | undefined
  objects: ObjectsPlace
  backups: ObjectsPlace
}

export interface OpenedLog {
  log: Log
  objects: ObjectStore
  backups: ObjectStore
  address: LogAddress
  /** All stores of the table. */
  stores: DynamoStores
  /** Whether nobody else can write to the log. */
  exclusive: boolean
  close(): Promise<void>
}

export interface OpenLogOptions {
  runtime: Runtime
  logger: Logger
  /** Create a store even where one seems to have been lost. */
  newStore?: boolean | undefined
  /** Create none: for those who may only read the table. */
  existing?: boolean | undefined
  /** Let other nodes on the folder serve other stores of its table, or be such a node. */
  share?: boolean | undefined
}

/**
 * Opens the log of the store with this name, creating the store when the table has none.
 *
 * @throws BorealError `not_ready` when a new store would take the place of one that was lost; `newStore` creates it all
 *   the same; `not_found` when there is none and it has to be `existing`
 */
export async function openLog(
  storage: Storage,
  name: string,
  { runtime, logger, newStore = false, share = false, existing = false }: OpenLogOptions,
): Promise<OpenedLog> {
  const embedded = storage.kind === 'embedded' ? await openFolder(storage, name, { runtime, share }) : undefined
  try {
    const { endpoint, transport } = embedded ?? {}
    const { client, serverClock } = createDynamoClient({ endpoint, transport }, runtime)
    const table = tableOf(storage)
    const context = { client, table, runtime, serverClock }
    const place = objectsPlace(storage)
    const mayCreate = async () => {
      if (embedded?.own === false) throw notThere(name)
      if (existing) throw new BorealError('not_found', `the table has no store ${JSON.stringify(name)} yet`)
      if (newStore) return
      const isInTable = (storeId: string) => isStoreInTable(context, storeId)
      await assertNothingLost(objectsAt(place), name, isInTable)
      const copies = backupsAsSnapshots(objectsAt(backupsPlace(storage)))
      await assertNothingLost(copies, name, isInTable, { areBackups: true })
    }
    const { storeId, startsAt } = await withLogPatience(
      async () => {
        if (embedded?.own || (storage.kind === 'remote' && storage.createTable)) await ensureTable(context)
        await embedded?.announce(context)
        return openStore(context, name, mayCreate)
      },
      mayPass,
      { runtime, logger },
    )
    const address = { storeId, startsAt, table, endpoint, objects: place, backups: backupsPlace(storage) }
    const { log, objects, backups } = openLogAt(address, { runtime, logger, transport })
    return {
      log,
      objects,
      backups,
      address,
      stores: new DynamoStores(context),
      // The folder is locked by our table, and whoever comes through us may not have a store with our name.
      exclusive: embedded?.own === true,
      close: async () => {
        log.close()
        client.destroy()
        await embedded?.close()
      },
    }
  } catch (error) {
    await embedded?.close()
    throw error
  }
}

/** Opens a table and its objects without any store; creates the table where nodes would. */
export async function openStores(
  storage: Storage,
  { runtime, logger }: { runtime: Runtime; logger: Logger },
): Promise<{ stores: DynamoStores; objects: ObjectStore; close(): Promise<void> }> {
  const embedded = storage.kind === 'embedded' ? await openFolder(storage, '', { runtime, share: false }) : undefined
  const { client, serverClock } = createDynamoClient({ endpoint: embedded?.endpoint }, runtime)
  const close = async () => {
    client.destroy()
    await embedded?.close()
  }
  try {
    const context = { client, table: tableOf(storage), runtime, serverClock }
    if (storage.kind === 'embedded' || storage.createTable) {
      await withLogPatience(() => ensureTable(context), mayPass, { runtime, logger })
    }
    return { stores: new DynamoStores(context), objects: objectsAt(objectsPlace(storage)), close }
  } catch (error) {
    await close()
    throw error
  }
}

function tableOf(storage: Storage): string {
  return storage.kind === 'embedded' ? EMBEDDED_TABLE : storage.table
}

/** A time-out, an overloaded server. One that cannot be reached or refuses us is rather a wrong setting. */
function mayPass(error: unknown): boolean {
  return !isBorealError(error) && classifyFailure(error).kind === 'unknown'
}

function notThere(name: string): BorealError {
  return new BorealError(
    'not_found',
    `there is no store ${JSON.stringify(name)} in this folder, which another node has: boreal store list; ` +
      `boreal clone create ${name} makes a clone`,
  )
}

interface ReachOptions {
  runtime: Runtime
  logger: Logger
  /** See DynamoClientOptions. */
  transport?: TableTransport | undefined
  limits?: RequestLimits
}

/** Opens a log that is known to be there. The caller closes it. */
export function openLogAt(
  { storeId, startsAt, table, endpoint, ...places }: LogAddress,
  { runtime, logger, transport, limits }: ReachOptions,
): { log: Log; objects: ObjectStore; backups: ObjectStore } {
  const { client, serverClock } = createDynamoClient({ endpoint, transport, limits }, runtime)
  const objects = objectsAt(places.objects)
  const events = new DynamoLog(client, { table, storeId, serverClock })
  const archive = new ArchivedLog({ objects, storeId, logger })
  const log = new Log(events, { storeId, startsAt, bodies: objects, runtime, logger, archive })
  return { log, objects, backups: objectsAt(places.backups) }
}

/** The same log for whoever trims it; nobody waits for him. The caller closes it. */
export function trimmableLogAt({ storeId, table, endpoint }: LogAddress, runtime: Runtime): TrimmableLog {
  const { client, serverClock } = createDynamoClient({ endpoint, limits: PATIENT }, runtime)
  return new DynamoTrimmableLog(client, { table, storeId, serverClock })
}

/** The writer lease of a log. The caller closes it. */
export function leaseAt({ storeId, table, endpoint }: LogAddress, runtime: Runtime): LeaseStore {
  // A lease is renewed in good time or not at all; and it must not wait behind appends for a connection.
  const { client, serverClock } = createDynamoClient({ endpoint, limits: { requestMs: LEASE_TIMEOUT_MS } }, runtime)
  return new DynamoLease(client, { table, storeId, serverClock })
}

const LEASE_TIMEOUT_MS = 500

export function objectsPlace(storage: Storage): ObjectsPlace {
  if (storage.kind === 'embedded') return { folder: join(storage.data, 'objects') }
  return storage.bucket === undefined ? { folder: storage.objects! } : { bucket: storage.bucket }
}

export function backupsPlace(storage: Storage): ObjectsPlace {
  if (storage.backups !== undefined) return storage.backups
  return storage.kind === 'embedded' ? { folder: join(storage.data, 'backups') } : objectsPlace(storage)
}

export function objectsAt(place: ObjectsPlace): ObjectStore {
  return 'folder' in place ? new DirectoryObjects(place.folder) : new S3Objects({ bucket: place.bucket })
}
