import { backupsAsSnapshots } from '../backup/as-snapshots.ts'
import { type Backup, backups } from '../backup/catalog.ts'
import type { BackupDocument } from '../backup/documents.ts'
import { unloadableBecause } from '../backup/restored.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { findSnapshot, type Snapshot, snapshots } from '../snapshot/catalog.ts'
import type { Manifest } from '../snapshot/documents.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import type { BaseImage } from '../store/base-image.ts'

/** What a restored store may begin with: a verified image, or what a dump gives when it is loaded. */
export type RestoreBase = {
  /** What it is, in words. */
  what: string
  lsn: number
  hash: string
  /** Time of the entry at its LSN, ms. */
  entryTime: number
} & ({ image: Manifest; dump?: undefined } | { dump: BackupDocument; image?: undefined })

/** Where what a restore begins with is. */
export interface BasesPlace {
  objects: ObjectStore
  /** They are backups, each a copy of a snapshot with a dump beside it. */
  areBackups: boolean
}

/** The objects of a place by the keys that a store's own have. */
export function objectsOf({ objects, areBackups }: BasesPlace): ObjectStore {
  return areBackups ? backupsAsSnapshots(objects) : objects
}

/**
 * What there is to begin with, the best first; by the documents, so a damaged part is found when it is read. Of a backup
 * first its image, which is quicker, then its dump, which any build and any version of Postgres can load.
 *
 * @param from id of a snapshot, or of a backup; `newest`: any
 * @throws BorealError `not_found`, `snapshot_corrupt` when there is nothing that can be used, with the reasons
 */
export async function restoreBases(
  place: BasesPlace,
  storeId: string,
  from: string,
  base: BaseImage,
): Promise<[RestoreBase, ...RestoreBase[]]> {
  const passed: string[] = []
  const found: RestoreBase[] = []
  const take = (result: RestoreBase | string) => (typeof result === 'string' ? passed.push(result) : found.push(result))
  if (place.areBackups) {
    for await (const backup of backups(place.objects, storeId)) {
      if (from !== 'newest' && from !== backup.id && from !== backup.document?.snapshotId) continue
      take(imageOfBackup(backup, base))
      take(dumpOfBackup(backup, base))
    }
  } else if (from === 'newest') {
    for await (const snapshot of snapshots(place.objects, storeId)) take(imageOf(snapshot, base))
  } else {
    const snapshot = await findSnapshot(place.objects, storeId, from)
    if (snapshot !== undefined) take(imageOf(snapshot, base))
  }
  const [best, ...rest] = found
  if (best !== undefined) return [best, ...rest]
  throw nothing(place, storeId, from, passed)
}

function imageOf({ id, state, manifest, why }: Snapshot, base: BaseImage): RestoreBase | string {
  const unusable = manifest === undefined ? (why ?? `it is ${state}`) : unusableBecause(manifest, base)
  if (manifest === undefined || unusable !== undefined || state !== 'verified') {
    return `snapshot ${id} (${unusable ?? why ?? `it is ${state}`})`
  }
  const { lsn, hash, entryTime } = manifest
  return { what: `snapshot ${id}`, lsn, hash, entryTime, image: manifest }
}

function imageOfBackup({ id, state, document, manifest, why }: Backup, base: BaseImage): RestoreBase | string {
  const unusable = manifest === undefined ? (why ?? `it is ${state}`) : unusableBecause(manifest, base)
  if (document === undefined || manifest === undefined || unusable !== undefined) {
    return `the image of backup ${id} (${unusable ?? why})`
  }
  const { lsn, hash, entryTime } = document
  return { what: `the image of backup ${id}`, lsn, hash, entryTime, image: manifest }
}

function dumpOfBackup({ id, state, document, hasDump, why }: Backup, base: BaseImage): RestoreBase | string {
  if (document === undefined || !hasDump) return `the dump of backup ${id} (${why ?? `it is ${state}`})`
  const unusable = unloadableBecause(document, base)
  if (unusable !== undefined) return `the dump of backup ${id} (${unusable})`
  const { lsn, hash, entryTime } = document
  return { what: `the dump of backup ${id}`, lsn, hash, entryTime, dump: document }
}

function nothing({ areBackups }: BasesPlace, storeId: string, from: string, passed: readonly string[]): BorealError {
  const what = areBackups ? 'backup' : 'snapshot'
  if (from !== 'newest' && passed.length === 0) {
    return new BorealError('not_found', `store ${storeId} has no ${what} ${from}`)
  }
  if (from !== 'newest') return new BorealError('snapshot_corrupt', `it cannot be used: ${passed.join('; ')}`)
  const there = passed.length === 0 ? 'there is none' : `there are ${passed.join(', ')}`
  const instead = areBackups
    ? 'Is there another place of backups? Name it with --from-bucket or --from-objects'
    : 'If there are backups: --from-backups, with --from-bucket or --from-objects where they are elsewhere'
  return new BorealError(
    'not_found',
    `no ${what} of store ${storeId} can be used: ${there}. ${instead}; a log that was never trimmed is enough without, ` +
      'then just start the node',
  )
}
