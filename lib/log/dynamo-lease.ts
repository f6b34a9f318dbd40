import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { ServerClock } from './event-log.ts'
import { headKey } from './keys.ts'
import type { Lease, LeaseStore } from './lease.ts'

/** The lease of one store in a DynamoDB table: the attribute `lease` of its head item, beside settings of others. */
export class DynamoLease implements LeaseStore {
  readonly serverClock: ServerClock
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #key: Record<string, AttributeValue>

  /** The client must not retry by itself (see dynamo-client.ts). */
  constructor(client: DynamoDBClient, options: { table: string; storeId: string; serverClock: ServerClock }) {
    this.#client = client
    this.#table = options.table
    this.#key = { pk: { S: headKey(options.storeId) }, sk: { N: '0' } }
    this.serverClock = options.serverClock
  }

  async read(): Promise<Lease | undefined> {
    const { Item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#table, Key: this.#key, ConsistentRead: true }),
    )
    return leaseOf(Item?.lease?.M)
  }

  async swap(from: Lease | undefined, to: Lease): Promise<boolean> {
    // A head is made with its store; one must not come into being by a lease.
    const before = 'attribute_exists(trimmedTo) and '
    const condition =
      from === undefined
        ? 'attribute_not_exists(#lease)'
        : '#lease.#holder = :holder and #lease.#term = :term and #lease.#expires = :expires'
    const names = { '#holder': 'holder', '#term': 'term', '#expires': 'expiresMs' }
    const update = new UpdateItemCommand({
      TableName: this.#table,
      Key: this.#key,
      UpdateExpression: 'set #lease = :to',
      ConditionExpression: before + condition,
      ExpressionAttributeNames: { '#lease': 'lease', ...(from === undefined ? {} : names) },
      ExpressionAttributeValues: {
        ':to': { M: attributesOf(to) },
        ...(from === undefined ? {} : expected(from)),
      },
    })
    try {
      await this.#client.send(update)
      return true
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false
      throw error
    }
  }

  close(): void {
    this.#client.destroy()
  }
}

function attributesOf({ holder, endpoint, term, expiresMs, leaving }: Lease): Record<string, AttributeValue> {
  return {
    holder: { S: holder },
    endpoint: { S: endpoint },
    term: { N: String(term) },
    expiresMs: { N: String(expiresMs) },
    leaving: { BOOL: leaving },
  }
}

function expected({ holder, term, expiresMs }: Lease): Record<string, AttributeValue> {
  return { ':holder': { S: holder }, ':term': { N: String(term) }, ':expires': { N: String(expiresMs) } }
}

function leaseOf(map: Record<string, AttributeValue> | undefined): Lease | undefined {
  if (map === undefined) return undefined
  return {
    holder: map.holder?.S ?? '',
    endpoint: map.endpoint?.S ?? '',
    term: Number(map.term?.N ?? 0),
    expiresMs: Number(map.expiresMs?.N ?? 0),
    leaving: map.leaving?.BOOL ?? false,
  }
}
