import { itemOf, type LogAttributes, toAttributes } from '../../lib/log/dynamo-item.ts'
import type { Entry, LoggedTransaction } from '../../lib/log/entry.ts'
import { encodeEntry, genesisItem, hashOfItem, storedTransactions } from '../../lib/log/entry-codec.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import { bodyKey } from '../../lib/log/keys.ts'
import { Log } from '../../lib/log/log.ts'
import { MemoryLog, MemoryTable } from '../../lib/log/memory-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { emptyStore, entriesOf, stateOf } from '../support/state.ts'

/** A log as it is stored: items as the JSON of DynamoDB (binary in base64), and bodies beside the table by key. */
export interface GoldenLog {
  storeId: string
  items: Record<string, { S?: string; N?: string; B?: string }>[]
  bodies: Record<string, string>
}

/** What a transaction says besides its events. */
export type Envelope = Omit<LoggedTransaction, 'events'>

/** LSNs whose bodies are beside the table. Where a body is does not depend on its size, so these can be small. */
const CLAIMED = [7, 12]

/** A log with the transactions of some items, of this build's format. */
export function goldenLog(items: LogItem[]): GoldenLog {
  const storeId = items[0]!.storeId
  const golden: GoldenLog = { storeId, items: [], bodies: {} }
  let last = genesisItem(storeId, items[0]!.time)
  golden.items.push(inJson(toAttributes(last)))
  for (const { lsn, time, writer, attempt, ...item } of items.slice(1)) {
    const transactions = storedTransactions({ lsn, time, writer, attempt, ...item }, item.body!) as LoggedTransaction[]
    const encoded = encodeEntry({ lsn, time, prev: last.hash, transactions }, { storeId, writer, attempt })
    last = CLAIMED.includes(lsn) ? besideTheTable(encoded.item) : encoded.item
    if (last.bodyKey !== undefined) golden.bodies[last.bodyKey] = Buffer.from(encoded.body).toString('base64')
    golden.items.push(inJson(toAttributes(last)))
  }
  return golden
}

function besideTheTable({ body: _, ...item }: LogItem): LogItem {
  const claimed = { ...item, bodyKey: bodyKey(item.storeId, item.lsn, item.attempt) }
  return { ...claimed, hash: hashOfItem(claimed) }
}

export function inJson(attributes: LogAttributes): GoldenLog['items'][number] {
  const entries = Object.entries(attributes).map(([name, { S, N, B }]) => [
    name,
    B !== undefined ? { B: Buffer.from(B).toString('base64') } : S !== undefined ? { S } : { N },
  ])
  return Object.fromEntries(entries)
}

/** The items of a golden log, as the adapter reads them. */
export function itemsOf({ storeId, items }: GoldenLog): LogItem[] {
  return items.map((each) => {
    const entries = Object.entries(each).map(([name, value]) => [
      name,
      value.B === undefined ? value : { B: Buffer.from(value.B, 'base64') },
    ])
    return itemOf(Object.fromEntries(entries) as LogAttributes, storeId)
  })
}

/** Every entry of a golden log, read as a node reads it: density, chain and checksums are verified. */
export async function readLog(golden: GoldenLog): Promise<{ log: Log; entries: Entry[] }> {
  const table = new MemoryTable()
  for (const item of itemsOf(golden)) table.slots.set(item.lsn, item)
  const bodies = {
    put: async () => undefined,
    get: async (key: string) => Buffer.from(golden.bodies[key]!, 'base64'),
  }
  const options = { storeId: golden.storeId, bodies, runtime: systemRuntime, logger: silentLogger }
  const log = new Log(new MemoryLog(golden.storeId, table), options)
  return { log, entries: await entriesOf(log) }
}

/** The state after some entries, in steps of `size`. */
export async function stateAfter(log: Log, entries: Entry[], size: number) {
  const store = await emptyStore(log)
  try {
    for (let at = 0; at < entries.length; at += size) await store.apply(entries.slice(at, at + size))
    return await stateOf(store)
  } finally {
    await store.engine.kill()
  }
}

export function envelopesOf(entries: Entry[]): Envelope[] {
  return entries.flatMap(({ transactions }) => transactions.map(({ events: _, ...envelope }) => envelope))
}
