import { setImmediate } from 'node:timers/promises'
import { type Runtime, systemRuntime } from '../model/runtime.ts'
import { genesisItem } from './entry-codec.ts'
import type { EventLog, HeadItem, LogItem, PutOutcome, ServerClock } from './event-log.ts'
import { BUCKET_SIZE } from './keys.ts'
import type { Lease } from './lease.ts'

const PAGE_BYTES = 1024 * 1024

/** What several nodes in one process share: a table in memory. */
export class MemoryTable {
  readonly slots = new Map<number, LogItem>()
  head: HeadItem = { trimmedTo: 0 }
  lease: Lease | undefined
}

/** A log in memory, for tests and for stores that need not outlive their process. */
export class MemoryLog implements EventLog {
  readonly serverClock: ServerClock
  readonly #table: MemoryTable

  constructor(storeId: string, table = new MemoryTable(), runtime: Runtime = systemRuntime) {
    this.#table = table
    this.serverClock = { now: () => runtime.now(), skewMs: 0 }
    // A log that was trimmed has lost its genesis entry: a freed slot stays free.
    const isNew = table.slots.size === 0 && table.head.trimmedTo === 0
    if (isNew) table.slots.set(0, genesisItem(storeId, runtime.now()))
  }

  async put(item: LogItem): Promise<PutOutcome> {
    // As from a server, answers come in a later turn of the event loop: a busy writer must not starve the rest.
    await setImmediate()
    const there = this.#table.slots.get(item.lsn)
    if (there !== undefined) return { kind: 'taken', item: there }
    this.#table.slots.set(item.lsn, structuredClone(item))
    return { kind: 'written' }
  }

  async get(lsn: number): Promise<LogItem | undefined> {
    return this.#table.slots.get(lsn)
  }

  async read(after: number): Promise<LogItem[]> {
    const bucket = Math.floor((after + 1) / BUCKET_SIZE)
    const lsns = [...this.#table.slots.keys()]
      .filter((lsn) => lsn > after && Math.floor(lsn / BUCKET_SIZE) === bucket)
      .sort((a, b) => a - b)
    const items: LogItem[] = []
    let bytes = 0
    for (const lsn of lsns) {
      const item = this.#table.slots.get(lsn)!
      items.push(item)
      bytes += item.body?.byteLength ?? 0
      if (bytes > PAGE_BYTES) break
    }
    return items
  }

  async head(): Promise<HeadItem> {
    return { ...this.#table.head }
  }

  close(): void {}
}
