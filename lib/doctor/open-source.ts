import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createDynamoClient } from '../log/dynamo-client.ts'
import { DynamoInspection, inspectRegistration, refuseWrites } from '../log/dynamo-inspection.ts'
import { DynamoRepair } from '../log/dynamo-repair.ts'
import { EmbeddedTable } from '../log/embedded-table.ts'
import type { InspectedRegistration } from '../log/inspection.ts'
import type { Log } from '../log/log.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { Storage } from '../node/config.ts'
import { backupsPlace, objectsAt, objectsPlace, openLogAt } from '../node/open-log.ts'
import { EMBEDDED_TABLE } from '../node/shared-folder.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import { storeIds } from '../snapshot/store-ids.ts'
import type { Source } from './context.ts'
import type { Mending } from './repair.ts'

/** A table of which a process knows the address, for as long as it is open. */
export interface OpenedTable {
  /** Where it is; undefined: as the SDK finds it. */
  endpoint: string | undefined
  table: string
  close(): Promise<void>
}

/**
 * Opens what a node would be started on, and creates nothing. The database below the embedded table tidies its own files
 * when it is opened; no item is changed.
 *
 * @throws BorealError `not_ready` when a node has the folder, `not_found` when there is nothing
 */
export async function openTable(storage: Storage): Promise<OpenedTable> {
  if (storage.kind === 'remote') return { endpoint: undefined, table: storage.table, close: async () => undefined }
  const path = join(storage.data, 'table')
  if (!existsSync(path))
    throw new BorealError('not_found', `there is no table in ${storage.data}: name the right --data folder`)
  try {
    const embedded = await EmbeddedTable.open({ path, sync: storage.sync })
    return { endpoint: embedded.endpoint, table: EMBEDDED_TABLE, close: () => embedded.close() }
  } catch (error) {
    if (!isBorealError(error, 'not_ready') || !error.message.includes('in use')) throw error
    throw new BorealError(
      'not_ready',
      `a node has ${storage.data} and serves from it. Either let it go on, and examine an export: boreal log export FILE, ` +
        `then boreal doctor --export FILE. Or stop it: kill $(cat ${join(storage.data, 'pid')}); if it cannot start ` +
        'again, what it serves now is gone, so export first.',
      { cause: error },
    )
  }
}

/** Opens a store for looking into it. Neither table nor objects can be written through what it gives. */
export async function openSource(
  storage: Storage,
  { name, storeId }: { name: string; storeId?: string | undefined },
  runtime: Runtime,
  table?: OpenedTable,
): Promise<Source> {
  const opened = table ?? (await openTable(storage))
  try {
    const { client } = createDynamoClient({ endpoint: opened.endpoint }, runtime)
    refuseWrites(client)
    const objects = readsOf(objectsAt(objectsPlace(storage)))
    const registration = await inspectRegistration(client, opened.table, name)
    const id = storeId ?? (await idOf(registration, name, objects))
    return {
      place: storage.kind === 'embedded' ? storage.data : `table ${storage.table}`,
      storeId: id,
      log: new DynamoInspection(client, { table: opened.table, storeId: id, name }),
      bodies: objects,
      objects,
      findings: [],
      close: async () => {
        client.destroy()
        await opened.close()
      },
    }
  } catch (error) {
    if (table === undefined) await opened.close()
    throw error
  }
}

/**
 * Opens a store to mend it: what is looked at is as in {@link openSource}, and what may be written is apart from it.
 * Closing the source closes all.
 */
export async function openForMending(
  storage: Storage,
  which: { name: string; storeId?: string | undefined },
  context: { runtime: Runtime; logger: Logger },
): Promise<{ source: Source; mending: Mending; log: Log }> {
  const opened = await openTable(storage)
  try {
    const { endpoint, table } = opened
    const source = await openSource(storage, which, context.runtime, opened)
    const { storeId } = source
    const { client } = createDynamoClient({ endpoint }, context.runtime)
    const { log, objects } = openLogAt(
      { storeId, startsAt: 0, table, endpoint, objects: objectsPlace(storage), backups: backupsPlace(storage) },
      context,
    )
    const close = async () => {
      log.close()
      client.destroy()
      await source.close()
    }
    return {
      source: { ...source, close },
      mending: { repair: new DynamoRepair(client, { table, storeId }), objects },
      log,
    }
  } catch (error) {
    await opened.close()
    throw error
  }
}

/** The reading half of an object store; the other half is not there, whatever a caller casts it to. */
function readsOf(objects: ObjectReads): ObjectReads {
  return {
    get: (key, range) => objects.get(key, range),
    getShared: (key) => objects.getShared(key),
    head: (key) => objects.head(key),
    list: (prefix, options) => objects.list(prefix, options),
  }
}

async function idOf(
  registration: InspectedRegistration | undefined,
  name: string,
  objects: ObjectReads,
): Promise<string> {
  if (registration?.storeId !== undefined) return registration.storeId
  const others: string[] = []
  for await (const each of storeIds(objects)) others.push(each)
  const hint =
    others.length === 0 ? 'and the objects have none either' : `the objects have ${others.join(', ')}: --store ID`
  throw new BorealError('log_corrupt', `the table does not know a store ${JSON.stringify(name)}; ${hint}`)
}
