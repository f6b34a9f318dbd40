import {
  type AttributeValue,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DescribeTableCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ResourceInUseException,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb'
import { BorealError } from '../model/errors.ts'
import type { Runtime } from '../model/runtime.ts'
import { toAttributes } from './dynamo-item.ts'
import { genesisItem } from './entry-codec.ts'
import type { ServerClock } from './event-log.ts'
import { headKey, registryKey } from './keys.ts'

export interface StoreRegistration {
  storeId: string
  createdMs: number
}

interface Context {
  client: DynamoDBClient
  table: string
  runtime: Runtime
  serverClock: ServerClock
}

/** Creates the table when it is missing, and waits until it can be used. Only for tables that no CDK stack owns. */
export async function ensureTable({ client, table, runtime }: Context): Promise<void> {
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
 * that the next one could not complete.
 *
 * @param mayCreate asked before a store is created; throws when that must not be
 */
export async function openStore(
  context: Context,
  name: string,
  mayCreate?: () => Promise<void>,
): Promise<StoreRegistration> {
  const existing = await readRegistration(context, name)
  if (existing === undefined) await mayCreate?.()
  const registration = existing ?? (await register(context, name))
  const { storeId, createdMs } = registration
  // A store with a head had its genesis, which may have been trimmed since: a freed slot stays free.
  if ((await getItem(context, headKey(storeId))) !== undefined) return registration
  await putIfAbsent(context, toAttributes(genesisItem(storeId, createdMs)))
  await putIfAbsent(context, { pk: { S: headKey(storeId) }, sk: { N: '0' }, trimmedTo: { N: '0' } })
  return registration
}

/** Whether the table has this store, under whatever name. */
export async function isStoreInTable(context: Context, storeId: string): Promise<boolean> {
  return (await getItem(context, headKey(storeId))) !== undefined
}

async function register(context: Context, name: string): Promise<StoreRegistration> {
  const storeId = context.runtime.newId()
  await putIfAbsent(context, {
    pk: { S: registryKey(name) },
    sk: { N: '0' },
    store: { S: storeId },
    state: { S: 'open' },
    createdMs: { N: String(context.serverClock.now()) },
  })
  const registration = await readRegistration(context, name)
  if (registration === undefined)
    throw new BorealError('log_unavailable', 'the registry item was written and is not there')
  return registration
}

async function readRegistration(context: Context, name: string): Promise<StoreRegistration | undefined> {
  try {
    const item = await getItem(context, registryKey(name))
    if (item?.store?.S === undefined) return undefined
    return { storeId: item.store.S, createdMs: Number(item.createdMs?.N ?? 0) }
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error
    throw new BorealError(
      'log_unavailable',
      `there is no table ${JSON.stringify(context.table)}: deploy the stack, or start with --create-table`,
      { cause: error },
    )
  }
}

async function getItem({ client, table }: Context, pk: string): Promise<Record<string, AttributeValue> | undefined> {
  const Key = { pk: { S: pk }, sk: { N: '0' } }
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))
  return Item
}

async function putIfAbsent({ client, table }: Context, item: Record<string, AttributeValue>): Promise<void> {
  try {
    await client.send(
      new PutItemCommand({ TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(pk)' }),
    )
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error
  }
}
