import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { planQuarantine, quarantine } from '../../lib/doctor/quarantine.ts'
import { copiesInArchive, planRepair, repair } from '../../lib/doctor/repair.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { pastDigest } from '../support/past-states.ts'
import { withFlippedBit } from '../support/snapshots.ts'
import { diceOf, flipInItem } from './bit-flips.ts'
import { DoctorBed, found } from './doctor-bed.ts'

/** The archive is examined, and is a copy from which the table is mended. */

let bed: DoctorBed

beforeEach(async () => {
  bed = await DoctorBed.open(onTestFinished)
})

const segments = async () => (await bed.objects.list(`${bed.storeId}/archive/`)).objects.map(({ key }) => key)

test('a changed bit in a segment is damage', { timeout: 60_000 }, async () => {
  await bed.save('t-1')
  await bed.archive()
  await bed.save('t-2')
  await bed.archive()
  await bed.save('t-3')
  expect(found(await bed.diagnose())).toEqual([])
  const dice = diceOf(3)
  for (const key of await segments()) {
    for (let i = 0; i < 4; i++) {
      const undo = await bed.damageObject(key, (bytes) => withFlippedBit(bytes, dice(bytes.byteLength * 8)))
      expect((await bed.diagnose()).severity, `flip ${i} in ${key}`).toBe('damage')
      await undo()
    }
  }
})

test('a damaged entry is read from the archive, put back from it, and not quarantined', {
  timeout: 60_000,
}, async () => {
  const state = await bed.save('t-1', 't-2', 't-3')
  await bed.archive()
  const item = await bed.attributes(2)
  await flipInItem(bed, 2, diceOf(1))
  const [finding] = (await bed.diagnose()).findings
  expect(finding).toMatchObject({ lsn: 2, next: 'boreal doctor repair 2 --from archive' })
  const source = await bed.source()
  const copies = copiesInArchive(source, silentLogger)
  const request = { lsn: 2, to: 2, reason: 'no', by: 'ann' }
  await expect(planQuarantine(source, request, [copies])).rejects.toThrow(/archive has an intact copy/)
  await repair(await planRepair(source, copies, 2), bed.mending)
  expect(await bed.attributes(2)).toEqual(item)
  expect(await (await bed.node()).digest()).toEqual(state)
})

test('behind a quarantined entry everything goes on, and every state but the one that is lost can be had', {
  timeout: 120_000,
}, async () => {
  await bed.save('t-1', 't-2', 't-3', 't-4')
  await bed.damageItem(2, (item) => ({ ...item, time: { N: '1' } }))
  await bed.remove(3)
  const source = await bed.source()
  const plan = await planQuarantine(source, { lsn: 2, to: 3, reason: 'the disk', by: 'ann' }, [])
  await quarantine(plan, source, await bed.log(), bed.mending)
  const whole = await bed.node()
  const points = [{ lsn: 1 }, { lsn: 4 }, { lsn: 5 }]
  const states = await Promise.all(points.map((point) => pastDigest(whole, point)))
  await whole.close()

  await bed.save('t-5')
  await bed.snapshot()
  await bed.archive({ tableMs: 0, tombstoneMs: Number.POSITIVE_INFINITY })
  const warned = [expect.stringMatching(/^warning 2..3: quarantined by ann/)]
  expect(found(await bed.diagnose())).toEqual(warned)
  expect(await bed.attributes(3)).toMatchObject({ trimmed: expect.anything() })
  await bed.archive({ tableMs: 0, tombstoneMs: 0 })
  expect(await bed.attributes(4)).toBeUndefined()
  expect((await bed.diagnose()).severity).toBe('ok')

  const node = await bed.node()
  for (const [index, point] of points.entries()) expect(await pastDigest(node, point)).toBe(states[index])
  for (const lsn of [2, 3]) {
    await expect(node.past.resolve({ lsn })).rejects.toMatchObject({
      code: 'out_of_retention',
      message: expect.stringMatching(/quarantined .* by ann .*the disk.* nearest .* at LSN 1 and 4/),
    })
  }
  await node.close()
  await bed.putHead({ trimmedTo: { N: '5' } })
  expect(found(await bed.diagnose())).toContainEqual(
    expect.stringMatching(/^damage 2: .* the list in the head item does not/),
  )
})

test('a trimmed store is healthy, and a changed bit in a tombstone is found', { timeout: 60_000 }, async () => {
  await bed.save('t-1', 't-2', 't-3')
  await bed.snapshot()
  await bed.archive({ tableMs: 0, tombstoneMs: Number.POSITIVE_INFINITY })
  await bed.save('t-4')
  const healthy = await bed.diagnose()
  expect(found(healthy)).toEqual([])
  expect(healthy.checks.find(({ check }) => check === 'log')!.summary).toMatch(/tombstones/)
  await bed.damageItem(1, (tombstone) => ({ ...tombstone, hash: { B: withFlippedBit(tombstone.hash!.B!, 5) } }))
  expect(found(await bed.diagnose())).toContainEqual(expect.stringMatching(/^damage 1: .*tombstone.* another hash/))
})
