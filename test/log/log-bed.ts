import { randomBytes, randomUUID } from 'node:crypto'
import { DeleteItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { expect, onTestFinished } from 'vitest'
import { type LogMark, markOf } from '../../lib/log/chain.ts'
import { createDynamoClient, type DynamoClientOptions } from '../../lib/log/dynamo-client.ts'
import { toAttributes } from '../../lib/log/dynamo-item.ts'
import type { Entry, LoggedTransaction } from '../../lib/log/entry.ts'
import type { EventLog, LogItem } from '../../lib/log/event-log.ts'
import { bucketKey } from '../../lib/log/keys.ts'
import { Log, type LogOptions } from '../../lib/log/log.ts'
import { MemoryLog, MemoryTable } from '../../lib/log/memory-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import { openDynamoLog } from '../support/embedded-table.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A fresh log, and ways to reach it behind the back of its adapters. */
export interface LogBed {
  storeId: string
  bodies: DirectoryObjects
  /** One more adapter on the log, as one more process would have it. */
  adapter(): Promise<EventLog>
  /** Puts an item into its slot of this log as it is, whatever is there. */
  overwrite(item: LogItem): Promise<void>
  /** Empties a slot without a trace. */
  remove(lsn: number): Promise<void>
}

export async function memoryBed(): Promise<LogBed> {
  const table = new MemoryTable()
  const storeId = systemRuntime.newId()
  return {
    storeId,
    bodies: new DirectoryObjects(await temporaryFolder()),
    adapter: async () => new MemoryLog(storeId, table),
    overwrite: async (item) => void table.slots.set(item.lsn, structuredClone(item)),
    remove: async (lsn) => void table.slots.delete(lsn),
  }
}

/** A log in a table of its own on something that speaks DynamoDB. */
export async function dynamoBed(
  endpoint: string,
  options: Omit<DynamoClientOptions, 'endpoint'> = {},
): Promise<LogBed & { table: string }> {
  const table = `log-${randomUUID()}`
  const { storeId } = await openDynamoLog(endpoint, { table, ...options })
  const { client } = createDynamoClient({ endpoint, ...options }, systemRuntime)
  onTestFinished(() => client.destroy())
  return {
    table,
    storeId,
    bodies: new DirectoryObjects(await temporaryFolder()),
    adapter: async () => (await openDynamoLog(endpoint, { table, ...options })).events,
    overwrite: async (item) => {
      const Item = { ...toAttributes(item), pk: { S: bucketKey(storeId, item.lsn) } }
      await client.send(new PutItemCommand({ TableName: table, Item }))
    },
    remove: async (lsn) => {
      const Key = { pk: { S: bucketKey(storeId, lsn) }, sk: { N: String(lsn) } }
      await client.send(new DeleteItemCommand({ TableName: table, Key }))
    },
  }
}

/** A log as a node has it, over an adapter of its own unless one is given. */
export async function openLog(
  bed: LogBed,
  options: Partial<LogOptions> & { events?: EventLog } = {},
): Promise<Log & { events: EventLog }> {
  const { events = await bed.adapter(), ...rest } = options
  const { storeId, bodies } = bed
  return Object.assign(new Log(events, { storeId, bodies, runtime: systemRuntime, logger: silentLogger, ...rest }), {
    events,
  })
}

export function transaction(id: string, reason?: string): LoggedTransaction {
  return {
    id,
    actor: 'ann',
    ...(reason === undefined ? {} : { reason }),
    events: [{ event: 'quotaRemoved', v: 1, role: id }],
    results: [{ op: 'removeQuota', affected: 1 }],
  }
}

/** Text that deflate cannot bring below this size. */
export function incompressible(bytes: number): string {
  return randomBytes(bytes).toString('base64')
}

/** Appends one entry for each text, and gives the mark of the last. */
export async function appendAll(log: Log, mark: LogMark, ...ids: string[]): Promise<LogMark> {
  for (const id of ids) {
    const encoded = log.encode(mark, log.nextTime(mark), [transaction(id)])
    const settled = await (await log.append(encoded)).settled
    expect(settled).toEqual({ kind: 'durable' })
    mark = markOf(encoded.item)
  }
  return mark
}

/** Everything after a mark, as a store follows it. */
export async function entriesAfter(log: Log, mark: LogMark): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const page of log.follow(mark)) entries.push(...page)
  return entries
}

/** The ids of the transactions of some entries, in order. */
export function idsOf(entries: Entry[]): string[] {
  return entries.flatMap((entry) => entry.transactions.map(({ id }) => id))
}
