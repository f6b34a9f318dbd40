import { type Runtime, systemRuntime } from '../model/runtime.ts'
import type { ServerClock } from './event-log.ts'
import { isSameLease, type Lease, type LeaseStore } from './lease.ts'
import type { MemoryTable } from './memory-log.ts'

/** The lease of a log in memory. */
export class MemoryLease implements LeaseStore {
  readonly serverClock: ServerClock
  readonly #table: Pick<MemoryTable, 'lease'>

  constructor(table: Pick<MemoryTable, 'lease'>, runtime: Pick<Runtime, 'now'> = systemRuntime) {
    this.#table = table
    this.serverClock = { now: () => runtime.now(), skewMs: 0 }
  }

  async read(): Promise<Lease | undefined> {
    return this.#table.lease
  }

  async swap(from: Lease | undefined, to: Lease): Promise<boolean> {
    if (!isSameLease(this.#table.lease, from)) return false
    this.#table.lease = { ...to }
    return true
  }

  close(): void {}
}
