import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createDynamoClient, type DynamoClientOptions } from '../../lib/log/dynamo-client.ts'
import { DynamoLog } from '../../lib/log/dynamo-log.ts'
import { ensureTable, openStore } from '../../lib/log/dynamo-store.ts'
import { EmbeddedTable } from '../../lib/log/embedded-table.ts'
import { type Runtime, systemRuntime } from '../../lib/model/runtime.ts'
import { type Cleanup, temporaryFolder } from './temporary.ts'

/** Something that speaks DynamoDB, for the time of the test, or of the file (`afterAll`). */
export async function startTable(cleanup: Cleanup = onTestFinished): Promise<EmbeddedTable> {
  const table = await EmbeddedTable.open({ path: join(await temporaryFolder(cleanup), 'table'), sync: false })
  cleanup(() => table.close())
  return table
}

/** The log of the store `main` at an endpoint, through the DynamoDB adapter; creates table and store when missing. */
export async function openDynamoLog(
  endpoint: string,
  options: DynamoClientOptions & { runtime?: Runtime; table?: string; cleanup?: Cleanup } = {},
): Promise<{ events: DynamoLog; storeId: string }> {
  const { runtime = systemRuntime, table = 'boreal', cleanup = onTestFinished, ...reached } = options
  const { client, serverClock } = createDynamoClient({ ...reached, endpoint }, runtime)
  const context = { client, table, runtime, serverClock }
  await ensureTable(context)
  const { storeId } = await openStore(context, 'main')
  const events = new DynamoLog(client, { table, storeId, serverClock })
  cleanup(async () => events.close())
  return { events, storeId }
}
