import { paddedLsn } from '../log/keys.ts'

/** Keys of snapshots in the object store: `<storeId>/snapshots/<lsn>-<ulid>/…`. A snapshot's folder is never used again. */

/** Written last: what has none is no snapshot. */
export const MANIFEST = 'manifest.json'
/** Written when the snapshot was restored and found to be what its manifest says. */
export const VERIFICATION = 'verified.json'
/** Written when the snapshot is no longer needed; it is deleted some time later. */
export const DELETION = 'deletion.json'

const ID = /^(\d{16})-[0-9A-HJKMNP-TV-Z]{26}$/

export function snapshotsPrefix(storeId: string): string {
  return `${storeId}/snapshots/`
}

export function snapshotKey(storeId: string, id: string, name: string): string {
  return `${snapshotsPrefix(storeId)}${id}/${name}`
}

export function snapshotId(lsn: number, ulid: string): string {
  return `${paddedLsn(lsn)}-${ulid}`
}

/** The LSN that an id names; undefined when it is no id of a snapshot. */
export function lsnOfId(id: string): number | undefined {
  const lsn = ID.exec(id)?.[1]
  return lsn === undefined ? undefined : Number(lsn)
}

/** Name of a part of the image. */
export function partName(index: number): string {
  return `image/${index.toString().padStart(5, '0')}`
}
