import { join } from 'node:path'
import { createDynamoClient } from '../log/dynamo-client.ts'
import { classifyFailure } from '../log/dynamo-failure.ts'
import { DynamoLog } from '../log/dynamo-log.ts'
import { ensureTable, isStoreInTable, openStore } from '../log/dynamo-store.ts'
import { EmbeddedTable } from '../log/embedded-table.ts'
import { Log } from '../log/log.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { DirectoryObjects } from '../objects/directory-objects.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { S3Objects } from '../objects/s3-objects.ts'
import type { ObjectsPlace, Storage } from './config.ts'
import { withLogPatience } from './log-patience.ts'
import { assertNothingLost } from './lost-store.ts'

/** How a log that is open is reached: plain data, so that another thread of the process can open it, too. */
export interface LogAddress {
  storeId: string
  table: string
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
  /** Whether nobody else can write to the log. */
  exclusive: boolean
  close(): Promise<void>
}

/** Table of the embedded profile; it is the only one there. */
const EMBEDDED_TABLE = 'boreal'

/**
 * Opens the log of the store with this name, creating the store when the table has none.
 *
 * @throws BorealError `not_ready` when a new store would take the place of one that was lost; `newStore` creates it all
 *   the same; `not_found` when there is none and it has to be `existing`
 */
export async function openLog(
  storage: Storage,
  name: string,
  {
    runtime,
    logger,
    newStore = false,
    existing = false,
  }: { runtime: Runtime; logger: Logger; newStore?: boolean; existing?: boolean },
): Promise<OpenedLog> {
  const embedded =
    storage.kind === 'embedded'
      ? await EmbeddedTable.open({ path: join(storage.data, 'table'), sync: storage.sync })
      : undefined
  try {
    const endpoint = embedded?.endpoint
    const { client, serverClock } = createDynamoClient({ endpoint }, runtime)
    const table = storage.kind === 'embedded' ? EMBEDDED_TABLE : storage.table
    const context = { client, table, runtime, serverClock }
    const place = objectsPlace(storage)
    const mayCreate = async () => {
      if (existing) throw new BorealError('not_found', `the table has no store ${JSON.stringify(name)} yet`)
      if (newStore) return
      await assertNothingLost(objectsAt(place), name, (storeId) => isStoreInTable(context, storeId))
    }
    const { storeId } = await withLogPatience(
      async () => {
        if (storage.kind === 'embedded' || storage.createTable) await ensureTable(context)
        return openStore(context, name, mayCreate)
      },
      // A time-out, an overloaded server. One that cannot be reached or refuses us is rather a wrong setting.
      (error) => !isBorealError(error) && classifyFailure(error).kind === 'unknown',
      { runtime, logger },
    )
    client.destroy()
    const address = { storeId, table, endpoint, objects: place, backups: backupsPlace(storage) }
    const { log, objects, backups } = openLogAt(address, { runtime, logger })
    return {
      log,
      objects,
      backups,
      address,
      // The folder is locked by our table, and nobody else knows its port.
      exclusive: embedded !== undefined,
      close: async () => {
        log.close()
        await embedded?.close()
      },
    }
  } catch (error) {
    await embedded?.close()
    throw error
  }
}

/** Opens a log that is known to be there. The caller closes it. */
export function openLogAt(
  { storeId, table, endpoint, ...places }: LogAddress,
  { runtime, logger }: { runtime: Runtime; logger: Logger },
): { log: Log; objects: ObjectStore; backups: ObjectStore } {
  const { client, serverClock } = createDynamoClient({ endpoint }, runtime)
  const objects = objectsAt(places.objects)
  const events = new DynamoLog(client, { table, storeId, serverClock })
  const log = new Log(events, { storeId, bodies: objects, runtime, logger })
  return { log, objects, backups: objectsAt(places.backups) }
}

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
