import { expect, test } from 'vitest'
import { assertCovered, readHoldings } from '../../lib/archive/coverage.ts'
import { DAY_MS } from '../../lib/archive/trim-settings.ts'
import { retainSnapshots } from '../../lib/snapshot/retention.ts'
import { listed } from '../support/snapshots.ts'
import { type ArchiveBed, archiveBed, keysOf, LONG_MS, putSnapshot } from './archive-bed.ts'

/** Which snapshots stay, with an archive beside them. */

const HOUR = 3_600_000

const staying = async ({ objects, storeId }: ArchiveBed) =>
  (await listed(objects, storeId)).filter(({ deletion }) => deletion === undefined).map(({ lsn }) => lsn)

const retain = (bed: ArchiveBed, settings: { keep: number; retentionMs: number }) => {
  const context = bed.context()
  const mayGo = async (ids: ReadonlySet<string>) =>
    assertCovered(await readHoldings(context, settings.retentionMs), { points: ids }, 'the snapshots')
  return retainSnapshots({ ...context, mayGo }, { ...settings, graceMs: HOUR })
}

test('of every day that can be restored the newest stays, and the newest before', async () => {
  const bed = await archiveBed()
  for (let day = 0; day < 5; day++) {
    for (let index = 0; index < 2; index++) {
      await bed.append(1)
      await putSnapshot(bed, bed.end.lsn)
    }
    if (day < 4) bed.pass(DAY_MS)
  }
  await bed.archive()
  await retain(bed, { keep: 1, retentionMs: 2.5 * DAY_MS })
  // The newest of today and of two days before, and that of the day in which retention begins.
  expect(await staying(bed)).toEqual([10, 8, 6, 4])
  bed.pass(2 * HOUR)
  expect((await retain(bed, { keep: 1, retentionMs: 2.5 * DAY_MS })).deleted).toHaveLength(6)
  expect(await staying(bed)).toEqual([10, 8, 6, 4])
})

test('what retention needs is neither marked nor deleted', async () => {
  const bed = await archiveBed()
  for (let index = 0; index < 3; index++) {
    await bed.append(3)
    await bed.archive()
    await putSnapshot(bed, bed.end.lsn)
  }
  bed.pass(2 * DAY_MS)
  await bed.trim({ tombstoneMs: 0 })
  bed.pass(1)
  await bed.trim({ tombstoneMs: 0 })
  expect(bed.table.head.trimmedTo).toBe(8)
  // Entries 4 to 6 are lost: from the first snapshot nothing leads on, the second one is needed.
  const [, second] = await keysOf(bed, 'archive')
  await bed.objects.delete(second!)
  const settings = { keep: 1, retentionMs: LONG_MS }
  const refusal = { code: 'not_covered', message: /the snapshots must stay: LSNs 4 to 5 cannot be restored even now/ }
  await expect(retain(bed, settings)).rejects.toMatchObject(refusal)
  expect(await staying(bed)).toEqual([9, 6, 3])
  // And what is marked and becomes needed is not deleted, and not marked any more.
  const copy = await archiveBed()
  await copy.append(4)
  await copy.archive()
  for (const lsn of [2, 4]) await putSnapshot(copy, lsn)
  expect((await retain(copy, settings)).marked).toHaveLength(1)
  const [segment] = await keysOf(copy, 'archive')
  await copy.objects.delete(segment!)
  for (const lsn of [0, 1]) copy.table.slots.delete(lsn)
  copy.table.head = { trimmedTo: 1 }
  copy.pass(2 * HOUR)
  await expect(retain(copy, settings)).rejects.toMatchObject({ code: 'not_covered', message: /LSNs 2 to 3/ })
  expect(await staying(copy)).toEqual([4, 2])
})
