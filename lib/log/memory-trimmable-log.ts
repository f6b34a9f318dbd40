import { CorruptEntry } from './corrupt-entry.ts'
import type { HeadItem, LogItem } from './event-log.ts'
import type { MemoryTable } from './memory-log.ts'
import { tombstoneOf } from './tombstone.ts'
import type { TrimmableLog } from './trimmable-log.ts'

/** Trims a log in memory. */
export class MemoryTrimmableLog implements TrimmableLog {
  readonly #table: MemoryTable

  constructor(table: MemoryTable) {
    this.#table = table
  }

  async get(lsn: number): Promise<LogItem | undefined> {
    return this.#table.slots.get(lsn)
  }

  async head(): Promise<HeadItem> {
    return { ...this.#table.head }
  }

  async bury(entry: Pick<LogItem, 'lsn' | 'hash' | 'attempt'>, atMs: number): Promise<void> {
    const there = this.#table.slots.get(entry.lsn)
    if (there === undefined && this.#table.head.trimmedTo >= entry.lsn) return
    if (there?.hash !== entry.hash) throw new CorruptEntry(entry.lsn, 'the table has something else than the archive')
    if (there.trimmed === undefined) this.#table.slots.set(entry.lsn, tombstoneOf(there, atMs))
  }

  async buryLost(entry: Pick<LogItem, 'lsn' | 'storeId' | 'hash' | 'attempt'>, atMs: number): Promise<void> {
    const isBuried = this.#table.slots.get(entry.lsn)?.trimmed !== undefined
    if (isBuried || this.#table.head.trimmedTo >= entry.lsn) return
    this.#table.slots.set(entry.lsn, tombstoneOf(entry, atMs))
  }

  async advanceTrimmedTo(lsn: number): Promise<void> {
    const { head } = this.#table
    this.#table.head = { ...head, trimmedTo: Math.max(head.trimmedTo, lsn) }
  }

  async remove(lsn: number): Promise<void> {
    const there = this.#table.slots.get(lsn)
    if (there !== undefined && there.trimmed === undefined)
      throw new CorruptEntry(lsn, 'it is to be freed and was not emptied')
    this.#table.slots.delete(lsn)
  }

  close(): void {}
}
