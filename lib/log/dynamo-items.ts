import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Runtime } from '../model/runtime.ts'
import type { ServerClock } from './event-log.ts'

/** A table, and what requests to it need. */
export interface TableContext {
  client: DynamoDBClient
  table: string
  runtime: Runtime
  serverClock: ServerClock
}

export type Item = Record<string, AttributeValue>

/** Single requests about the small items beside the log, strongly consistent. */

export async function getItem({ client, table }: TableContext, pk: string): Promise<Item | undefined> {
  const Key = { pk: { S: pk }, sk: { N: '0' } }
  const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }))
  return Item
}

export async function putItem({ client, table }: TableContext, item: Item): Promise<void> {
  await client.send(new PutItemCommand({ TableName: table, Item: item }))
}

/** False when there is an item with this key already. */
export function putIfAbsent({ client, table }: TableContext, item: Item): Promise<boolean> {
  const put = new PutItemCommand({ TableName: table, Item: item, ConditionExpression: 'attribute_not_exists(pk)' })
  return happened(client.send(put))
}

/** False when the item there is not of this store. */
export function putOver({ client, table }: TableContext, item: Item, storeId: string): Promise<boolean> {
  return happened(client.send(new PutItemCommand({ TableName: table, Item: item, ...isOf(storeId) })))
}

/** False when there is none, or one of another store. */
export function deleteItem({ client, table }: TableContext, pk: string, storeId: string): Promise<boolean> {
  const Key = { pk: { S: pk }, sk: { N: '0' } }
  return happened(client.send(new DeleteItemCommand({ TableName: table, Key, ...isOf(storeId) })))
}

function isOf(storeId: string) {
  return {
    ConditionExpression: '#store = :store',
    ExpressionAttributeNames: { '#store': 'store' },
    ExpressionAttributeValues: { ':store': { S: storeId } },
  }
}

async function happened(request: Promise<unknown>): Promise<boolean> {
  try {
    await request
    return true
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false
    throw error
  }
}
