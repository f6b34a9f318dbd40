import { type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { onTestFinished } from 'vitest'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import type { LogAttributes } from '../../lib/log/dynamo-item.ts'
import { DynamoTrimmableLog } from '../../lib/log/dynamo-trimmable-log.ts'
import { bucketKey } from '../../lib/log/keys.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'

/** Trims a log by the requests that the real one makes, without the waiting and without asking whether it may. */
export class Trimmer {
  readonly log: DynamoTrimmableLog
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #storeId: string

  constructor(endpoint: string, { table, storeId }: { table: string; storeId: string }) {
    const { client, serverClock } = createDynamoClient({ endpoint }, systemRuntime)
    this.log = new DynamoTrimmableLog(client, { table, storeId, serverClock })
    onTestFinished(() => this.log.close())
    this.#client = client
    this.#table = table
    this.#storeId = storeId
  }

  /** Makes the entries up to this LSN, genesis too, into tombstones. */
  async empty(upTo: number, atMs = 1): Promise<void> {
    for (let lsn = 0; lsn <= upTo; lsn++) {
      const item = await this.log.get(lsn)
      if (item !== undefined) await this.log.bury(item, atMs)
    }
  }

  /** Frees the slots up to this LSN. */
  async free(upTo: number): Promise<void> {
    const before = await this.trimmedTo()
    await this.log.advanceTrimmedTo(upTo)
    for (let lsn = before; lsn <= upTo; lsn++) await this.log.remove(lsn)
  }

  async trimmedTo(): Promise<number> {
    return (await this.log.head()).trimmedTo
  }

  /** A slot as the table has it. */
  async attributes(lsn: number): Promise<LogAttributes | undefined> {
    const Key = { pk: { S: bucketKey(this.#storeId, lsn) }, sk: { N: String(lsn) } }
    const { Item } = await this.#client.send(new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true }))
    return Item as LogAttributes | undefined
  }
}
