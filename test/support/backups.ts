import { type Backup, backups } from '../../lib/backup/catalog.ts'
import type { BackupContext } from '../../lib/backup/take.ts'
import type { MemoryTable } from '../../lib/log/memory-log.ts'
import type { Runtime } from '../../lib/model/runtime.ts'
import type { ObjectStore } from '../../lib/objects/object-store.ts'
import { fill } from './dumps.ts'
import { memoryNode } from './memory-node.ts'
import { type RecordingLogger, snapshotContext, temporaryObjects } from './snapshots.ts'
import type { Cleanup } from './temporary.ts'

/** What makes backups of a store in memory: a process of its own, as far as the log can tell. */
export async function backupContext(
  store: { table: MemoryTable; storeId: string },
  objects: ObjectStore,
  places: ObjectStore,
  options: Partial<BackupContext> = {},
): Promise<BackupContext & { logger: RecordingLogger }> {
  return { ...(await snapshotContext(store, objects, options)), backups: places }
}

/** All backups, the newest first. */
export async function listedBackups(objects: ObjectStore, storeId: string): Promise<Backup[]> {
  const all: Backup[] = []
  for await (const backup of backups(objects, storeId)) all.push(backup)
  return all
}

/** A store with a bit of everything, and places for its snapshots and its backups. */
export async function filledStore({ runtime, cleanup }: { runtime?: Runtime; cleanup?: Cleanup } = {}) {
  const [objects, places] = [await temporaryObjects(cleanup), await temporaryObjects(cleanup)]
  const { node, ...store } = await memoryNode({
    ...(runtime === undefined ? {} : { runtime }),
    ...(cleanup === undefined ? {} : { cleanup }),
  })
  await fill(node, 60)
  return { node, store, objects, places, context: await backupContext(store, objects, places) }
}
