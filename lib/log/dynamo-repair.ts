import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { BorealError } from '../model/errors.ts'
import { itemOf, type LogAttributes, toAttributes } from './dynamo-item.ts'
import type { LogItem } from './event-log.ts'
import { bucketKey, headKey } from './keys.ts'

/**
 * The only way to change what a log has: for an operator, one slot at a time, and only over exactly what was looked at.
 */
export class DynamoRepair {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #storeId: string

  constructor(client: DynamoDBClient, options: { table: string; storeId: string }) {
    this.#client = client
    this.#table = options.table
    this.#storeId = options.storeId
  }

  /**
   * Puts an item into a slot, over the damaged one that was found there (`undefined`: over nothing).
   *
   * @throws BorealError `precondition_failed` when the slot holds something else by now
   */
  async replace(found: LogItem | undefined, item: LogItem): Promise<void> {
    const pk = bucketKey(this.#storeId, item.lsn)
    const { Item } = await this.#client.send(
      new GetItemCommand({
        TableName: this.#table,
        Key: { pk: { S: pk }, sk: { N: String(item.lsn) } },
        ConsistentRead: true,
      }),
    )
    const there = Item === undefined ? undefined : itemOf(Item, this.#storeId)
    if (textOf(there) !== textOf(found)) throw changed(item.lsn)
    await this.#conditionally(item.lsn, () =>
      this.#client.send(
        new PutItemCommand({ TableName: this.#table, Item: { ...toAttributes(item), pk: { S: pk } }, ...over(Item) }),
      ),
    )
  }

  /**
   * Puts the list of quarantined entries into the head item, over the one that was read.
   *
   * @throws BorealError `precondition_failed` when somebody else has changed it
   */
  async setQuarantine(found: string | undefined, list: string): Promise<void> {
    const before = found === undefined ? 'attribute_not_exists(quarantined)' : 'quarantined = :found'
    await this.#conditionally(undefined, () =>
      this.#client.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: { pk: { S: headKey(this.#storeId) }, sk: { N: '0' } },
          UpdateExpression: 'set quarantined = :list',
          ConditionExpression: `attribute_exists(trimmedTo) and ${before}`,
          ExpressionAttributeValues: {
            ':list': { S: list },
            ...(found === undefined ? {} : { ':found': { S: found } }),
          },
        }),
      ),
    )
  }

  async #conditionally(lsn: number | undefined, write: () => Promise<unknown>): Promise<void> {
    try {
      await write()
    } catch (error) {
      throw error instanceof ConditionalCheckFailedException ? changed(lsn) : error
    }
  }
}

/** The condition that every attribute is as it was read. */
function over(found: LogAttributes | undefined) {
  if (found === undefined) return { ConditionExpression: 'attribute_not_exists(pk)' }
  const attributes = Object.entries(found).filter(([name]) => name !== 'pk' && name !== 'sk')
  const names: Record<string, string> = {}
  const values: Record<string, AttributeValue> = {}
  for (const [index, [name, value]] of attributes.entries()) {
    names[`#a${index}`] = name
    values[`:a${index}`] = value
  }
  if (attributes.length === 0) return { ConditionExpression: 'attribute_exists(pk)' }
  return {
    ConditionExpression: attributes.map((_, index) => `#a${index} = :a${index}`).join(' and '),
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
  }
}

function textOf(item: LogItem | undefined): string {
  if (item === undefined) return ''
  const body = item.body === undefined ? null : Buffer.from(item.body).toString('base64')
  return JSON.stringify([Object.entries({ ...item, body }).sort(([a], [b]) => (a < b ? -1 : 1))])
}

function changed(lsn: number | undefined): BorealError {
  const what = lsn === undefined ? 'the head item' : `log entry ${lsn}`
  return new BorealError(
    'precondition_failed',
    `${what} was changed by somebody else meanwhile; look again: boreal doctor`,
  )
}
