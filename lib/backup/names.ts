import { lsnOfId, partName } from '../snapshot/names.ts'

/** Keys of backups in their object store: `<storeId>/backups/<lsn>-<ulid>/…`. A backup's folder is never used again. */

/** Written last: what has none is no backup. */
export const BACKUP = 'backup.json'
/** What the last drill found; the only object of a backup that changes. */
export const DRILL = 'drill.json'

/** Ids are made as those of snapshots are. */
export const isBackupId = (id: string) => lsnOfId(id) !== undefined

export function backupsPrefix(storeId: string): string {
  return `${storeId}/backups/`
}

export function backupKey(storeId: string, id: string, name: string): string {
  return `${backupsPrefix(storeId)}${id}/${name}`
}

/** Name of a part of the image; as in the snapshot. */
export const imagePartName = partName

/** Name of a part of the dump. */
export function dumpPartName(index: number): string {
  return `dump/${index.toString().padStart(5, '0')}`
}
