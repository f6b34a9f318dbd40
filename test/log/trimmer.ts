import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { onTestFinished } from 'vitest'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import type { LogAttributes } from '../../lib/log/dynamo-item.ts'
import { bucketKey, headKey } from '../../lib/log/keys.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'

/**
 * Trims a log by the rules that keep it safe, without the waiting: the days between the steps are the test's.
 *
 * Slots are emptied, not freed: a tombstone keeps the place. Tombstones are deleted later, in ascending order, after
 * `trimmedTo` has said so.
 */
export class Trimmer {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #storeId: string

  constructor(endpoint: string, { table, storeId }: { table: string; storeId: string }) {
    const { client } = createDynamoClient({ endpoint }, systemRuntime)
    onTestFinished(() => client.destroy())
    this.#client = client
    this.#table = table
    this.#storeId = storeId
  }

  /** Makes the entries up to this LSN, genesis too, into tombstones. */
  async empty(upTo: number): Promise<void> {
    for (let lsn = 0; lsn <= upTo; lsn++) {
      const item = await this.attributes(lsn)
      if (item === undefined || item.trimmed !== undefined) continue
      const { pk, sk, hash, attempt } = item as Required<LogAttributes>
      const tombstone = { pk: pk!, sk: sk!, hash: hash!, attempt: attempt!, trimmed: { BOOL: true } }
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: tombstone,
          ConditionExpression: '#hash = :hash',
          ExpressionAttributeNames: { '#hash': 'hash' },
          ExpressionAttributeValues: { ':hash': hash! },
        }),
      )
    }
  }

  /** Deletes the tombstones up to this LSN; does nothing when others have come as far. */
  async free(upTo: number): Promise<void> {
    const before = await this.trimmedTo()
    if (!(await this.#advance(upTo))) return
    for (let lsn = before; lsn <= upTo; lsn++) await this.#delete(lsn)
  }

  async trimmedTo(): Promise<number> {
    const head = await this.#get(headKey(this.#storeId), 0)
    return Number(head!.trimmedTo!.N)
  }

  /** A slot as the table has it. */
  attributes(lsn: number): Promise<LogAttributes | undefined> {
    return this.#get(bucketKey(this.#storeId, lsn), lsn)
  }

  async #advance(to: number): Promise<boolean> {
    try {
      await this.#client.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: { pk: { S: headKey(this.#storeId) }, sk: { N: '0' } },
          UpdateExpression: 'set trimmedTo = :to',
          ConditionExpression: 'trimmedTo < :to',
          ExpressionAttributeValues: { ':to': { N: String(to) } },
        }),
      )
      return true
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false
      throw error
    }
  }

  async #delete(lsn: number): Promise<void> {
    const Key = { pk: { S: bucketKey(this.#storeId, lsn) }, sk: { N: String(lsn) } }
    const condition = 'attribute_exists(trimmed) or attribute_not_exists(pk)'
    await this.#client.send(new DeleteItemCommand({ TableName: this.#table, Key, ConditionExpression: condition }))
  }

  async #get(pk: string, sk: number): Promise<LogAttributes | undefined> {
    const Key = { pk: { S: pk }, sk: { N: String(sk) } }
    const { Item } = await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }))
    return Item as LogAttributes | undefined
  }
}
