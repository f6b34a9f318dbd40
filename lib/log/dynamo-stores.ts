import { BatchWriteItemCommand, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { BorealError, messageOf } from '../model/errors.ts'
import { getItem, type Item, type TableContext } from './dynamo-items.ts'
import { DynamoLog } from './dynamo-log.ts'
import {
  addRegistration,
  findRegistration,
  listRegistrations,
  removeRegistration,
  replaceRegistration,
} from './dynamo-registry.ts'
import { createHead, isStoreInTable } from './dynamo-store.ts'
import type { EventLog } from './event-log.ts'
import { BUCKET_SIZE, bucketKey, headKey } from './keys.ts'
import type { Registration } from './registration.ts'

/** Items that one request may delete. */
const BATCH = 25

/**
 * All stores of a table: what their names mean, their logs, and the end of those that nobody needs any more. Failures of
 * the server come as `log_unavailable`.
 */
export class DynamoStores {
  readonly #context: TableContext

  constructor(context: TableContext) {
    this.#context = context
  }

  /** Server time, ms. */
  now(): number {
    return this.#context.serverClock.now()
  }

  find(name: string): Promise<Registration | undefined> {
    return asked(() => findRegistration(this.#context, name))
  }

  list(): Promise<Registration[]> {
    return asked(() => listRegistrations(this.#context))
  }

  /** False when the name means a store already. */
  add(registration: Registration): Promise<boolean> {
    return asked(() => addRegistration(this.#context, registration))
  }

  /** Lets the name mean another store than `storeId`; false when it does not mean that one. */
  replace(registration: Registration, storeId: string): Promise<boolean> {
    return asked(() => replaceRegistration(this.#context, registration, storeId))
  }

  /** Forgets what the name means; false when it means another store, or none. */
  remove(registration: Registration): Promise<boolean> {
    return asked(() => removeRegistration(this.#context, registration))
  }

  /** The slots of a store. It shares its client with all others: nobody closes it. */
  events(storeId: string): EventLog {
    const { client, table, serverClock } = this.#context
    return new DynamoLog(client, { table, storeId, serverClock })
  }

  /** Whether the table has anything of this store. */
  has(storeId: string): Promise<boolean> {
    return asked(() => isStoreInTable(this.#context, storeId))
  }

  createHead(storeId: string, trimmedTo: number): Promise<void> {
    return asked(() => createHead(this.#context, storeId, trimmedTo))
  }

  /**
   * Deletes every slot of a store that nobody may append to any more. Its head stays, some hundred bytes: it says that they
   * are gone, so that a writer that slept cannot take the place of one for the end of the log. May be repeated, also after the signal
   * has ended it between two pages.
   */
  async purge(storeId: string, startsAt: number, signal?: AbortSignal): Promise<number> {
    let deleted = 0
    // A run that was stopped had come as far as the head says; the bucket there may be empty, and the next one not.
    const first = Math.floor(Math.max(startsAt, await this.#trimmedTo(storeId)) / BUCKET_SIZE)
    for (let bucket = first; ; bucket++) {
      const key = bucketKey(storeId, bucket * BUCKET_SIZE)
      const before = deleted
      for (let lsns = await this.#slots(key); lsns.length > 0; lsns = await this.#slots(key)) {
        signal?.throwIfAborted()
        await this.#trimTo(storeId, lsns.at(-1)!)
        deleted += await this.#delete(key, lsns)
      }
      if (deleted === before && bucket > first) return deleted
    }
  }

  /** A page of the slots that are taken in a bucket. */
  #slots(key: string): Promise<number[]> {
    const { client, table } = this.#context
    return asked(async () => {
      const query = new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :bucket',
        ExpressionAttributeValues: { ':bucket': { S: key } },
        ProjectionExpression: 'sk',
        ConsistentRead: true,
        Limit: 1_000,
      })
      return ((await client.send(query)).Items ?? []).map(({ sk }) => Number(sk!.N))
    })
  }

  async #trimmedTo(storeId: string): Promise<number> {
    const head = await asked(() => getItem(this.#context, headKey(storeId)))
    return Number(head?.trimmedTo?.N ?? 0)
  }

  /** Before slots are freed: who was away for long asks for it. It only goes up. */
  #trimTo(storeId: string, lsn: number): Promise<void> {
    const { client, table } = this.#context
    return asked(async () => {
      if ((await this.#trimmedTo(storeId)) >= lsn) return
      const update = new UpdateItemCommand({
        TableName: table,
        Key: { pk: { S: headKey(storeId) }, sk: { N: '0' } },
        UpdateExpression: 'set trimmedTo = :to',
        ExpressionAttributeValues: { ':to': { N: String(lsn) } },
      })
      await client.send(update)
    })
  }

  async #delete(key: string, lsns: number[]): Promise<number> {
    const { client, table, runtime } = this.#context
    for (let start = 0; start < lsns.length; start += BATCH) {
      let left = lsns.slice(start, start + BATCH).map((lsn) => ({ DeleteRequest: { Key: keyOf(key, lsn) } }))
      for (let pause = 50; left.length > 0; pause = Math.min(2_000, pause * 2)) {
        const write = new BatchWriteItemCommand({ RequestItems: { [table]: left } })
        const { UnprocessedItems = {} } = await asked(() => client.send(write))
        left = (UnprocessedItems[table] ?? []) as typeof left
        if (left.length > 0) await runtime.sleep(pause)
      }
    }
    return lsns.length
  }
}

function keyOf(pk: string, lsn: number): Item {
  return { pk: { S: pk }, sk: { N: String(lsn) } }
}

async function asked<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request()
  } catch (error) {
    if (error instanceof BorealError) throw error
    throw new BorealError('log_unavailable', `the table cannot be asked: ${messageOf(error)}`, { cause: error })
  }
}
