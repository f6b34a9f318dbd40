import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import { BorealError } from '../model/errors.ts'
import { CorruptEntry } from './corrupt-entry.ts'
import { tombstoneAttributes } from './dynamo-item.ts'
import { DynamoLog } from './dynamo-log.ts'
import type { HeadItem, LogItem, ServerClock } from './event-log.ts'
import { bucketKey, headKey } from './keys.ts'
import type { TrimmableLog } from './trimmable-log.ts'

/** Trims the log of one store in a DynamoDB table. */
export class DynamoTrimmableLog implements TrimmableLog {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #storeId: string
  readonly #log: DynamoLog

  /** The client must not retry by itself (see dynamo-client.ts). */
  constructor(client: DynamoDBClient, options: { table: string; storeId: string; serverClock: ServerClock }) {
    this.#client = client
    this.#table = options.table
    this.#storeId = options.storeId
    this.#log = new DynamoLog(client, options)
  }

  get(lsn: number): Promise<LogItem | undefined> {
    return this.#log.get(lsn)
  }

  head(): Promise<HeadItem> {
    return this.#log.head()
  }

  async bury(entry: Pick<LogItem, 'lsn' | 'hash' | 'attempt'>, atMs: number): Promise<void> {
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: tombstoneAttributes({ ...entry, storeId: this.#storeId }, atMs),
      ConditionExpression: '#hash = :hash and attribute_not_exists(trimmed)',
      ExpressionAttributeNames: { '#hash': 'hash' },
      ExpressionAttributeValues: { ':hash': { B: Buffer.from(entry.hash, 'hex') } },
    })
    if (await this.#holds(() => this.#client.send(put))) return
    const there = await this.get(entry.lsn)
    if (there?.hash === entry.hash && there.trimmed !== undefined) return
    if (there === undefined && (await this.head()).trimmedTo >= entry.lsn) return
    throw new CorruptEntry(entry.lsn, 'the table has something else than the archive')
  }

  async buryLost(entry: Pick<LogItem, 'lsn' | 'storeId' | 'hash' | 'attempt'>, atMs: number): Promise<void> {
    if ((await this.head()).trimmedTo >= entry.lsn) return
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: tombstoneAttributes({ ...entry, storeId: this.#storeId }, atMs),
      ConditionExpression: 'attribute_not_exists(trimmed)',
    })
    await this.#holds(() => this.#client.send(put))
  }

  async advanceTrimmedTo(lsn: number): Promise<void> {
    const update = new UpdateItemCommand({
      TableName: this.#table,
      Key: { pk: { S: headKey(this.#storeId) }, sk: { N: '0' } },
      UpdateExpression: 'set trimmedTo = :to',
      ConditionExpression: 'trimmedTo < :to',
      ExpressionAttributeValues: { ':to': { N: String(lsn) } },
    })
    if (await this.#holds(() => this.#client.send(update))) return
    // Not because somebody was faster, but because there is no head: then nothing may be freed.
    const { trimmedTo } = await this.head()
    if (trimmedTo < lsn) throw new Error(`the head of store ${this.#storeId} could not be moved to ${lsn}`)
  }

  async remove(lsn: number): Promise<void> {
    const removal = new DeleteItemCommand({
      TableName: this.#table,
      Key: { pk: { S: bucketKey(this.#storeId, lsn) }, sk: { N: String(lsn) } },
      ConditionExpression: 'attribute_exists(trimmed) or attribute_not_exists(pk)',
    })
    if (await this.#holds(() => this.#client.send(removal))) return
    throw new CorruptEntry(lsn, 'it is to be freed and was not emptied')
  }

  close(): void {
    this.#client.destroy()
  }

  /** Sends a conditional request; false when its condition failed. */
  async #holds(send: () => Promise<unknown>): Promise<boolean> {
    try {
      await send()
      return true
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false
      if ((error as Error).name === 'AccessDeniedException') throw mayNot(error)
      throw error
    }
  }
}

/** On AWS nobody but the function may: see cdk/log-grants.ts. */
function mayNot(cause: unknown): BorealError {
  return new BorealError(
    'not_available',
    'this node may not take entries out of the table; the function trim does it from time to time, or now: aws lambda invoke ' +
      '--function-name with the output TrimFunction of the stack',
    { cause },
  )
}
