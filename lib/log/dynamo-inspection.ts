import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  ResourceNotFoundException,
} from '@aws-sdk/client-dynamodb'
import { BorealError, messageOf } from '../model/errors.ts'
import { itemOf, type LogAttributes, toAttributes } from './dynamo-item.ts'
import type { InspectedHead, InspectedRegistration, LogInspection, Slot } from './inspection.ts'
import { bucketKey, headKey, registryKey } from './keys.ts'

const READS = new Set(['GetItemCommand', 'QueryCommand', 'DescribeTableCommand', 'ListTablesCommand'])

/** Makes a client refuse everything but reads, whoever uses it. */
export function refuseWrites(client: DynamoDBClient): void {
  client.middlewareStack.add(
    (next, { commandName = 'a request' }) =>
      async (args) => {
        if (!READS.has(commandName))
          throw new BorealError('internal', `${commandName}: this table is opened for reading only`)
        return next(args)
      },
    { step: 'initialize', name: 'refuseWrites', priority: 'high' },
  )
}

/** Which store the registry means by a name. Nothing is created. */
export async function inspectRegistration(
  client: DynamoDBClient,
  table: string,
  name: string,
): Promise<InspectedRegistration | undefined> {
  const item = await getItem(client, table, registryKey(name), 0)
  if (item === undefined) return undefined
  const createdMs = item.createdMs?.N === undefined ? undefined : Number(item.createdMs.N)
  return { name, storeId: item.store?.S, state: item.state?.S, createdMs }
}

/** What a DynamoDB table has of one store. The client is to be one that refuses writes. */
export class DynamoInspection implements LogInspection {
  readonly storeId: string
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #name: string

  constructor(client: DynamoDBClient, options: { table: string; storeId: string; name: string }) {
    this.#client = client
    this.#table = options.table
    this.#name = options.name
    this.storeId = options.storeId
  }

  async slot(lsn: number): Promise<Slot | undefined> {
    const attributes = await this.attributes(lsn)
    return attributes === undefined ? undefined : slotOf(attributes, this.storeId)
  }

  /** A slot as the table has it. */
  attributes(lsn: number): Promise<LogAttributes | undefined> {
    return getItem(this.#client, this.#table, bucketKey(this.storeId, lsn), lsn)
  }

  async slots(after: number): Promise<Slot[]> {
    const from = after + 1
    const query = new QueryCommand({
      TableName: this.#table,
      KeyConditionExpression: 'pk = :bucket and sk >= :from',
      ExpressionAttributeValues: { ':bucket': { S: bucketKey(this.storeId, from) }, ':from': { N: String(from) } },
      ConsistentRead: true,
    })
    const { Items = [] } = await reading(() => this.#client.send(query))
    return Items.map((attributes) => slotOf(attributes, this.storeId))
  }

  async head(): Promise<InspectedHead | undefined> {
    const item = await getItem(this.#client, this.#table, headKey(this.storeId), 0)
    if (item === undefined) return undefined
    const strange = /^\d{1,15}$/.test(item.trimmedTo?.N ?? '') ? [] : ['trimmedTo is no LSN']
    return { trimmedTo: Number(item.trimmedTo?.N ?? 0), quarantined: item.quarantined?.S, strange }
  }

  registration(): Promise<InspectedRegistration | undefined> {
    return inspectRegistration(this.#client, this.#table, this.#name)
  }
}

function slotOf(attributes: LogAttributes, storeId: string): Slot {
  const item = itemOf(attributes, storeId)
  return { item, strange: item.trimmed ? [] : strangeIn(attributes, toAttributes(item)) }
}

function strangeIn(found: LogAttributes, written: LogAttributes): string[] {
  const names = [...new Set([...Object.keys(found), ...Object.keys(written)])]
  // The key is the place that was asked for; what is stored there says by itself whose it is.
  return names.filter((name) => name !== 'pk' && !same(found[name], written[name]))
}

function same(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  if (a === undefined || b === undefined) return false
  if (a.B !== undefined && b.B !== undefined) return Buffer.from(a.B).equals(b.B)
  return JSON.stringify(a) === JSON.stringify(b)
}

async function getItem(
  client: DynamoDBClient,
  table: string,
  pk: string,
  sk: number,
): Promise<LogAttributes | undefined> {
  const Key = { pk: { S: pk }, sk: { N: String(sk) } }
  const { Item } = await reading(() => client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true })))
  return Item
}

/** Trouble on the way may pass: a few attempts, so that hours of work do not end with one lost answer. */
async function reading<T>(read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      if (error instanceof BorealError) throw error
      if (error instanceof ResourceNotFoundException) {
        throw new BorealError('log_unavailable', `there is no such table: ${messageOf(error)}`, { cause: error })
      }
      if (attempt === 5)
        throw new BorealError('log_unavailable', `the table cannot be read: ${messageOf(error)}`, { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 200 * 2 ** attempt))
    }
  }
}
