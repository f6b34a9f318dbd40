import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { Log } from '../../lib/log/log.ts'
import { MemoryLog, type MemoryTable } from '../../lib/log/memory-log.ts'
import { MemoryTrimmableLog } from '../../lib/log/memory-trimmable-log.ts'
import type { Logger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { DirectoryObjects } from '../../lib/objects/directory-objects.ts'
import type { ByteRange, ListOptions, ObjectStore, PutOptions } from '../../lib/objects/object-store.ts'
import { type Snapshot, snapshots } from '../../lib/snapshot/catalog.ts'
import type { SnapshotContext } from '../../lib/snapshot/take.ts'
import { testImage } from './image.ts'
import { type Cleanup, temporaryFolder } from './temporary.ts'

/** What was logged. */
export class RecordingLogger implements Logger {
  readonly lines: { level: string; message: string; fields: Record<string, unknown> }[] = []
  readonly debug = this.#record('debug')
  readonly info = this.#record('info')
  readonly warn = this.#record('warn')
  readonly error = this.#record('error')

  /** Lines with a message, as their fields. */
  with(message: string): Record<string, unknown>[] {
    return this.lines.filter((line) => line.message === message).map(({ fields }) => fields)
  }

  #record(level: string) {
    return (message: string, fields: Record<string, unknown> = {}) => {
      this.lines.push({ level, message, fields })
    }
  }
}

/** What happens to a request to the object store. */
export interface ObjectFault {
  before?(operation: string, key: string): void
  after?(operation: string, key: string): void
  /** Changes what is read. */
  read?(key: string, bytes: Uint8Array): Uint8Array
}

/** An object store that fails where a test wants it to. */
export class FaultyObjects implements ObjectStore {
  readonly #objects: ObjectStore
  fault: ObjectFault = {}

  constructor(objects: ObjectStore) {
    this.#objects = objects
  }

  put(key: string, bytes: Uint8Array, options?: PutOptions) {
    return this.#do('put', key, () => this.#objects.put(key, bytes, options))
  }

  get(key: string, range?: ByteRange) {
    return this.#do('get', key, async () => {
      const bytes = await this.#objects.get(key, range)
      return this.fault.read?.(key, bytes) ?? bytes
    })
  }

  getShared(key: string) {
    return this.#do('get', key, async () => {
      const bytes = await this.#objects.getShared(key)
      return this.fault.read?.(key, bytes) ?? bytes
    })
  }

  head(key: string) {
    return this.#do('head', key, () => this.#objects.head(key))
  }

  list(prefix: string, options?: ListOptions) {
    return this.#do('list', prefix, () => this.#objects.list(prefix, options))
  }

  delete(key: string) {
    return this.#do('delete', key, () => this.#objects.delete(key))
  }

  copy(from: string, to: string) {
    return this.#do('copy', to, () => this.#objects.copy(from, to))
  }

  async #do<T>(operation: string, key: string, work: () => Promise<T>): Promise<T> {
    this.fault.before?.(operation, key)
    const result = await work()
    this.fault.after?.(operation, key)
    return result
  }
}

/** The bytes with one bit changed. */
export function withFlippedBit(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[Math.floor(bit / 8)]! ^= 1 << (bit % 8)
  return changed
}

export async function temporaryObjects(cleanup?: Cleanup): Promise<FaultyObjects> {
  return new FaultyObjects(new DirectoryObjects(await temporaryFolder(cleanup)))
}

/** What takes snapshots of the log of a store in memory: a process of its own, as far as the log can tell. */
export async function snapshotContext(
  { table, storeId }: { table: MemoryTable; storeId: string },
  objects: ObjectStore,
  options: Partial<SnapshotContext> = {},
): Promise<SnapshotContext & { logger: RecordingLogger }> {
  const { runtime = systemRuntime } = options
  const logger = new RecordingLogger()
  const archive = new ArchivedLog({ objects, storeId, logger })
  const log = new Log(new MemoryLog(storeId, table, runtime), { storeId, bodies: objects, runtime, logger, archive })
  return { log, objects, base: await testImage(), runtime, ...options, logger }
}

/** The same, of a log that may be trimmed. */
export async function trimContext(...of: Parameters<typeof snapshotContext>) {
  return { ...(await snapshotContext(...of)), trimmable: new MemoryTrimmableLog(of[0].table) }
}

/** All snapshots, the newest first. */
export async function listed(objects: ObjectStore, storeId: string): Promise<Snapshot[]> {
  const all: Snapshot[] = []
  for await (const snapshot of snapshots(objects, storeId)) all.push(snapshot)
  return all
}

/** Submits transactions, whatever becomes of each. */
export async function submitAll(node: BorealNode, requests: Parameters<BorealNode['submit']>[0][]): Promise<void> {
  for (let start = 0; start < requests.length; start += 8) {
    const batch = requests.slice(start, start + 8)
    await Promise.allSettled(
      batch.map((request, index) => node.submit(request, { principal: 'p', key: `key-${node.tailLsn}-${index}` })),
    )
  }
}
