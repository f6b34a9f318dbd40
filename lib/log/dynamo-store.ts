import {
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb'
import { BorealError } from '../model/errors.ts'
import { toAttributes } from './dynamo-item.ts'
import { getItem, putIfAbsent, type TableContext } from './dynamo-items.ts'
import { addRegistration, findRegistration } from './dynamo-registry.ts'
import { genesisItem } from './entry-codec.ts'
import { headKey } from './keys.ts'
import type { Registration } from './registration.ts'

/** Creates the table when it is missing, and waits until it can be used. Only for tables that no CDK stack owns. */
export async function ensureTable({ client, table, runtime }: TableContext): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'N' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error
  }
  while (!(await isActive(client, table))) await runtime.sleep(50)
}

async function isActive(client: DynamoDBClient, table: string): Promise<boolean> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
  return Table?.TableStatus === 'ACTIVE'
}

/**
 * Which store the name means; creates one when the table knows none.
 *
 * The registry item decides: it is put only if absent, so ten nodes that start on an empty table agree on one store.
 * Genesis and head follow from it and are put by whoever comes, if absent, so a node that died in between left nothing
 * that the next one could not complete. A store that goes on behind another one is registered last, when it is complete.
 *
 * @param mayCreate asked before a store is created; throws when that must not be
 */
export async function openStore(
  context: TableContext,
  name: string,
  mayCreate?: () => Promise<void>,
): Promise<Registration> {
  const existing = await findRegistration(context, name)
  if (existing === undefined) await mayCreate?.()
  const registration = existing ?? (await register(context, name))
  const { storeId, createdMs, origin, state } = registration
  if (state !== 'open') throw notOpen(registration)
  // A store with a head had its genesis, which may have been trimmed since: a freed slot stays free.
  if (await isStoreInTable(context, storeId)) return registration
  if (origin !== undefined) {
    throw new BorealError(
      'log_corrupt',
      `the table has no log of store ${storeId} any more, which ${JSON.stringify(name)} means. If it cannot be brought ` +
        'back: boreal restore --from newest; see "The table is gone" in docs/operations.md.',
    )
  }
  await putIfAbsent(context, toAttributes(genesisItem(storeId, createdMs)))
  await createHead(context, storeId, 0)
  return registration
}

/** Whether the table has this store, under whatever name. */
export async function isStoreInTable(context: TableContext, storeId: string): Promise<boolean> {
  return (await getItem(context, headKey(storeId))) !== undefined
}

/** The head item of a store, if it has none. Slots up to `trimmedTo` may be gone. */
export async function createHead(context: TableContext, storeId: string, trimmedTo: number): Promise<void> {
  await putIfAbsent(context, { pk: { S: headKey(storeId) }, sk: { N: '0' }, trimmedTo: { N: String(trimmedTo) } })
}

async function register(context: TableContext, name: string): Promise<Registration> {
  const { runtime, serverClock } = context
  const storeId = runtime.newId()
  await addRegistration(context, { name, storeId, state: 'open', createdMs: serverClock.now(), startsAt: 0 })
  const registration = await findRegistration(context, name)
  if (registration === undefined)
    throw new BorealError('log_unavailable', 'the registry item was written and is not there')
  return registration
}

function notOpen({ name, storeId, ended }: Registration): BorealError {
  const [what, next] =
    ended?.because === 'deleted'
      ? ['is being deleted', `boreal clone delete ${name} completes it`]
      : ['is being replaced', `boreal restore --name ${name} completes it`]
  return new BorealError('not_ready', `store ${storeId}, which ${JSON.stringify(name)} means, ${what}: ${next}`)
}
