import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb'
import { messageOf } from '../model/errors.ts'
import { classifyFailure } from './dynamo-failure.ts'
import { itemOf, type LogAttributes, toAttributes } from './dynamo-item.ts'
import type { EventLog, HeadItem, LogItem, PutOutcome, ServerClock } from './event-log.ts'
import { bucketKey, headKey } from './keys.ts'

/** The log of one store in a DynamoDB table. */
export class DynamoLog implements EventLog {
  readonly serverClock: ServerClock
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #storeId: string

  /** The client must not retry by itself (see dynamo-client.ts). */
  constructor(client: DynamoDBClient, options: { table: string; storeId: string; serverClock: ServerClock }) {
    this.#client = client
    this.#table = options.table
    this.#storeId = options.storeId
    this.serverClock = options.serverClock
  }

  async put(item: LogItem): Promise<PutOutcome> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: toAttributes(item),
          ConditionExpression: 'attribute_not_exists(pk)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      )
      return { kind: 'written' }
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) return classifyFailure(error)
      return this.#taken(item.lsn, error.Item as LogAttributes | undefined)
    }
  }

  /** Some servers do not return the item that made the condition fail: then it is read. */
  async #taken(lsn: number, attributes: LogAttributes | undefined): Promise<PutOutcome> {
    try {
      const item = attributes === undefined ? await this.get(lsn) : itemOf(attributes, this.#storeId)
      if (item !== undefined) return { kind: 'taken', item }
      return { kind: 'unknown', error: new Error(`slot ${lsn} was taken and is empty`) }
    } catch (error) {
      return { kind: 'unknown', error: new Error(messageOf(error), { cause: error }) }
    }
  }

  async get(lsn: number): Promise<LogItem | undefined> {
    const attributes = await this.#getItem(bucketKey(this.#storeId, lsn), lsn)
    return attributes === undefined ? undefined : itemOf(attributes, this.#storeId)
  }

  /** One page of one bucket; the caller goes on after its last item. */
  async read(after: number): Promise<LogItem[]> {
    const from = after + 1
    const { Items = [] } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: 'pk = :bucket and sk >= :from',
        ExpressionAttributeValues: { ':bucket': { S: bucketKey(this.#storeId, from) }, ':from': { N: String(from) } },
        ConsistentRead: true,
      }),
    )
    return Items.map((attributes) => itemOf(attributes as LogAttributes, this.#storeId))
  }

  async head(): Promise<HeadItem> {
    const attributes = await this.#getItem(headKey(this.#storeId), 0)
    return { trimmedTo: Number(attributes?.trimmedTo?.N ?? 0), quarantined: attributes?.quarantined?.S }
  }

  async #getItem(pk: string, sk: number): Promise<LogAttributes | undefined> {
    const { Item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#table,
        Key: { pk: { S: pk }, sk: { N: String(sk) } },
        ConsistentRead: true,
      }),
    )
    return Item as LogAttributes | undefined
  }

  close(): void {
    this.#client.destroy()
  }
}
