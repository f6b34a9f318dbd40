import { expect, test } from 'vitest'
import { backupsAsSnapshots } from '../../lib/backup/as-snapshots.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import { newestVerified } from '../../lib/snapshot/catalog.ts'
import { imageParts } from '../../lib/snapshot/image-object.ts'
import { backupContext, filledStore } from '../support/backups.ts'

test('a backup is read as the snapshot that it is a copy of, and cannot be changed that way', {
  timeout: 120_000,
}, async () => {
  const { store, objects, places } = await filledStore()
  const context = await backupContext(store, objects, places)
  await takeBackup(context)
  const there = (await newestVerified(objects, store.storeId))!
  const copies = backupsAsSnapshots(places)
  const copy = (await newestVerified(copies, store.storeId))!
  expect(copy).toMatchObject({ id: there.id, lsn: there.lsn, state: 'verified', manifest: there.manifest })
  await imageParts(copies, copy.manifest!).check()
  await expect(copies.delete(`${store.storeId}/snapshots/${copy.id}/manifest.json`)).rejects.toMatchObject({
    code: 'not_available',
  })
})
