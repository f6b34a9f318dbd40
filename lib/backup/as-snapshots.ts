import { BorealError } from '../model/errors.ts'
import { foldersBelow } from '../objects/folders.ts'
import { notFound, type ObjectStore } from '../objects/object-store.ts'
import { DELETION, lsnOfId, snapshotKey } from '../snapshot/names.ts'
import { backups } from './catalog.ts'
import { backupKey, backupsPrefix, isBackupId } from './names.ts'

/** A key of a snapshot: store, id, name. */
const SNAPSHOT_KEY = /^([^/]+)\/snapshots\/([^/]+)\/(.+)$/

/**
 * Backups as the snapshots that they are copies of, for whoever restores from snapshots: the same keys, read from another
 * place. Nothing can be changed through it.
 */
export function backupsAsSnapshots(objects: ObjectStore): ObjectStore {
  const known = new Map<string, Promise<Copies>>()
  const copiesOf = (storeId: string) => {
    const copies = known.get(storeId) ?? readCopies(objects, storeId)
    known.set(storeId, copies)
    return copies
  }
  const placeOf = async (key: string) => {
    const [, storeId, snapshotId, name] = SNAPSHOT_KEY.exec(key) ?? []
    if (storeId === undefined) return key
    const backupId = (await copiesOf(storeId)).backupOf.get(snapshotId!)
    if (backupId === undefined || name === DELETION) throw notFound(key)
    return backupKey(storeId, backupId, name!)
  }
  return {
    get: async (key, range) => objects.get(await placeOf(key), range),
    getShared: async (key) => objects.getShared(await placeOf(key)),
    head: async (key) => objects.head(await placeOf(key)),
    async list(prefix, options = {}) {
      const storeId = /^([^/]+)\/snapshots\//.exec(prefix)?.[1]
      if (storeId === undefined) return objects.list(prefix, options)
      const { listed } = await copiesOf(storeId)
      const { after = '' } = options
      return { objects: listed.filter(({ key }) => key.startsWith(prefix) && key > after) }
    },
    put: refused,
    delete: refused,
    copy: refused,
  }
}

interface Copies {
  /** By the id of the snapshot. */
  backupOf: Map<string, string>
  /** What the snapshots consist of, in the order of keys. */
  listed: { key: string; size: number }[]
}

async function readCopies(objects: ObjectStore, storeId: string): Promise<Copies> {
  const folders = await foldersBelow(objects, backupsPrefix(storeId), isBackupId)
  const copies: Copies = { backupOf: new Map(), listed: [] }
  for await (const { id, document } of backups(objects, storeId)) {
    // Without its document nothing of a backup can be believed; of two copies the newest is as good as the other.
    if (document === undefined || copies.backupOf.has(document.snapshotId)) continue
    if (lsnOfId(document.snapshotId) === undefined) continue
    copies.backupOf.set(document.snapshotId, id)
    for (const [name, size] of folders.get(id) ?? []) {
      if (name !== DELETION) copies.listed.push({ key: snapshotKey(storeId, document.snapshotId, name), size })
    }
  }
  copies.listed.sort((a, b) => (a.key < b.key ? -1 : 1))
  return copies
}

async function refused(): Promise<never> {
  throw new BorealError('not_available', 'backups are read here, not changed')
}
