import { join } from 'node:path'
import { createDynamoClient } from '../log/dynamo-client.ts'
import { classifyFailure } from '../log/dynamo-failure.ts'
import { DynamoLog } from '../log/dynamo-log.ts'
import { ensureTable, openStore } from '../log/dynamo-store.ts'
import { EmbeddedTable } from '../log/embedded-table.ts'
import { Log } from '../log/log.ts'
import { isBorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { DirectoryObjects } from '../objects/directory-objects.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { S3Objects } from '../objects/s3-objects.ts'
import type { Storage } from './config.ts'
import { withLogPatience } from './log-patience.ts'

export interface OpenedLog {
  log: Log
  objects: ObjectStore
  /** Whether nobody else can write to the log. */
  exclusive: boolean
  close(): Promise<void>
}

/** Table of the embedded profile; it is the only one there. */
const EMBEDDED_TABLE = 'boreal'

/** Opens the log of the store with this name, creating the store when the table has none. */
export async function openLog(
  storage: Storage,
  name: string,
  { runtime, logger }: { runtime: Runtime; logger: Logger },
): Promise<OpenedLog> {
  const embedded =
    storage.kind === 'embedded'
      ? await EmbeddedTable.open({ path: join(storage.data, 'table'), sync: storage.sync })
      : undefined
  try {
    const { client, serverClock } = createDynamoClient({ endpoint: embedded?.endpoint }, runtime)
    const table = storage.kind === 'embedded' ? EMBEDDED_TABLE : storage.table
    const context = { client, table, runtime, serverClock }
    const { storeId } = await withLogPatience(
      async () => {
        if (storage.kind === 'embedded' || storage.createTable) await ensureTable(context)
        return openStore(context, name)
      },
      // A time-out, an overloaded server. One that cannot be reached or refuses us is rather a wrong setting.
      (error) => !isBorealError(error) && classifyFailure(error).kind === 'unknown',
      { runtime, logger },
    )
    const objects = openObjects(storage)
    const events = new DynamoLog(client, { table, storeId, serverClock })
    const log = new Log(events, { storeId, bodies: objects, runtime, logger })
    return {
      log,
      objects,
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

function openObjects(storage: Storage): ObjectStore {
  if (storage.kind === 'embedded') return new DirectoryObjects(join(storage.data, 'objects'))
  return storage.bucket === undefined
    ? new DirectoryObjects(storage.objects!)
    : new S3Objects({ bucket: storage.bucket })
}
