import { expect, test } from 'vitest'
import { lsnAtTime } from '../../lib/archive/lsn-at-time.ts'
import { groupsOf, removeMerged } from '../../lib/archive/merge.ts'
import { parsedName } from '../../lib/archive/names.ts'
import { chainOf, listSegments } from '../../lib/archive/segments.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import { entriesAfter, idsOf } from '../log/log-bed.ts'
import { withFlippedBit } from '../support/snapshots.ts'
import { type ArchiveBed, archiveBed, keysOf, LONG_MS, putSnapshot } from './archive-bed.ts'

const MINUTE = 60_000

const ids = (count: number) => Array.from({ length: count }, (_, index) => `e-${index + 1}`)

const rangesOf = async ({ objects, storeId }: ArchiveBed) =>
  (await listSegments(objects, storeId)).map(({ from, to }) => [from, to])

/** All entries are archived, below a snapshot and old, and made into tombstones but for the last. */
async function trimmedBed(count = 10) {
  const bed = await archiveBed()
  await bed.append(count)
  await bed.archive()
  await putSnapshot(bed, count)
  bed.pass(2 * 24 * 60 * MINUTE)
  await bed.trim()
  return bed
}

test('every entry is copied, with the genesis entry and the bodies beside the table, as the log has it', async () => {
  const bed = await archiveBed()
  await bed.append(3)
  const bodyKey = await bed.appendLarge()
  expect(await bed.archive()).toMatchObject({ lsn: 4, entries: 5, segments: 1 })
  await bed.append(2)
  expect(await bed.archive()).toMatchObject({ lsn: 6, entries: 2, segments: 1 })
  expect(await bed.archive()).toMatchObject({ lsn: 6, entries: 0, segments: 0 })
  expect(await rangesOf(bed)).toEqual([
    [0, 4],
    [5, 6],
  ])
  const slots = bed.slots()
  await bed.objects.delete(bodyKey)
  bed.table.slots.clear()
  bed.table.head = { trimmedTo: 6 }
  const log = bed.openLog()
  expect(idsOf(await entriesAfter(log, await log.genesis()))).toEqual(ids(6))
  for (const [lsn, item] of slots) expect(structuredClone((await log.storedEntry(lsn))!.item)).toEqual(item)
})

test('names of segments tell which entries they have, from when, and how they follow each other', async () => {
  const bed = await archiveBed()
  await bed.append(2)
  await bed.archive()
  await bed.append(3)
  await bed.archive()
  const [first, second] = (await keysOf(bed, 'archive')).map((key) => parsedName(bed.storeId, key)!)
  expect(first).toMatchObject({ from: 0, to: 2, firstTime: bed.genesis.time, prev: '0'.repeat(16) })
  expect(second).toMatchObject({ from: 3, to: 5, prev: first!.hash, lastTime: bed.end.time })
  expect(bed.end.hash.startsWith(second!.hash)).toBe(true)
})

test('two archivers at once, and a writer beside them, do no harm', async () => {
  const bed = await archiveBed()
  await bed.append(5)
  const runs = [bed.archive(), bed.archive()]
  await bed.append(5)
  await Promise.all([...runs, bed.archive()])
  await bed.archive()
  const { segments, gaps, end } = chainOf(await listSegments(bed.objects, bed.storeId))
  expect(gaps).toEqual([])
  expect([segments[0]!.from, end!.to]).toEqual([0, 10])
  bed.table.head = { trimmedTo: 10 }
  bed.table.slots.clear()
  expect(idsOf(await entriesAfter(bed.openLog(), bed.genesis))).toEqual(ids(10))
})

test('many small segments become one, and go an hour later, when it was read whole', async () => {
  const bed = await archiveBed()
  for (let index = 0; index < 64; index++) {
    await bed.append(1)
    await bed.archive()
  }
  const small = (await rangesOf(bed)).length
  expect(await rangesOf(bed)).toContainEqual([0, 64])
  expect(await removeMerged(bed.context())).toEqual([])
  bed.pass(61 * MINUTE)
  // While the large one is damaged, the small ones stay.
  bed.objects.fault = {
    read: (key, bytes) => (key.includes('0-0000000000000064') ? withFlippedBit(bytes, 20_000) : bytes),
  }
  expect(await removeMerged(bed.context())).toEqual([])
  bed.objects.fault = {}
  expect(await removeMerged(bed.context())).toHaveLength(small - 1)
  expect(await rangesOf(bed)).toEqual([[0, 64]])
  bed.table.slots.clear()
  bed.table.head = { trimmedTo: 64 }
  expect(idsOf(await entriesAfter(bed.openLog(), bed.genesis))).toEqual(ids(64))
})

test('a year of segments, one every half minute, is a listing of two pages', () => {
  const perDay = 2_880
  let segments: { from: number; to: number; bytes: number }[] = []
  for (let n = 0; n < 40 * perDay; n++) {
    segments.push({ from: n, to: n, bytes: 2_000 })
    if (n % 64 !== 0) continue
    for (const group of groupsOf(segments as never)) {
      const merged = {
        from: group[0]!.from,
        to: group.at(-1)!.to,
        bytes: group.reduce((sum, each) => sum + each.bytes, 0),
      }
      segments = [...segments.filter(({ from, to }) => to < merged.from || from > merged.to), merged]
      segments.sort((a, b) => a.from - b.from)
    }
  }
  // 115 MB in 40 days; linear from here on.
  expect((segments.length / 40) * 365).toBeLessThan(2_000)
})

test('whoever follows the log, or asks for an entry or a page, meets no trimmed place', async () => {
  const bed = await trimmedBed()
  expect([...bed.table.slots.values()].filter(({ trimmed }) => trimmed !== undefined)).toHaveLength(10)
  for (const freed of [false, true]) {
    if (freed) await bed.trim({ tombstoneMs: 0 })
    expect(bed.table.slots.has(9)).toBe(!freed)
    const log = bed.openLog()
    expect(await log.genesis()).toEqual(bed.genesis)
    expect(idsOf(await entriesAfter(log, bed.genesis))).toEqual(ids(10))
    const fourth = (await log.markAt(4))!
    expect(idsOf(await entriesAfter(log, fourth))).toEqual(ids(10).slice(4))
    expect((await log.entry(7))!.transactions[0]!.id).toBe('e-7')
    expect(idsOf(await log.page(2, 3))).toEqual(['e-3', 'e-4', 'e-5'])
    expect((await log.probe(2))!.lsn).toBe(3)
    expect(await log.findEnd(2)).toBe(10)
    expect(await log.entry(11)).toBeUndefined()
    expect(await log.probe(10)).toBeUndefined()
  }
})

test('without the archive they are told that it was trimmed', async () => {
  const bed = await trimmedBed()
  for (const key of await keysOf(bed, 'archive')) await bed.objects.delete(key)
  const log = bed.openLog()
  const trimmed = { name: 'LogTrimmed' }
  await expect(entriesAfter(log, bed.genesis)).rejects.toMatchObject(trimmed)
  await expect(log.entry(3)).rejects.toMatchObject(trimmed)
  await expect(log.page(2, 3)).rejects.toMatchObject(trimmed)
  await expect(log.genesis()).rejects.toMatchObject(trimmed)
})

test('whoever saw the end of the log does not take a bucket that was freed for it', async () => {
  const bed = await trimmedBed()
  await bed.trim({ tombstoneMs: 0 })
  const log = bed.openLog()
  await entriesAfter(log, (await log.markAt(8))!)
  for (const lsn of [...bed.table.slots.keys()]) bed.table.slots.delete(lsn)
  bed.table.head = { trimmedTo: 10 }
  expect(idsOf(await entriesAfter(log, (await log.markAt(3))!))).toEqual(ids(10).slice(3))
})

test('an archive of another log is not taken for this one, be it a whole segment', async () => {
  const [bed, other] = [await trimmedBed(), await archiveBed()]
  await other.append(10)
  await other.archive()
  const [key] = await keysOf(bed, 'archive')
  const [foreign] = await keysOf(other, 'archive')
  await bed.objects.put(key!, await other.objects.get(foreign!))
  await expect(entriesAfter(bed.openLog(), bed.genesis)).rejects.toMatchObject({ code: 'archive_corrupt' })
})

test('a tombstone says which entry the archive must have', async () => {
  const bed = await trimmedBed()
  bed.table.slots.set(3, { ...bed.table.slots.get(3)!, hash: 'cd'.repeat(32) })
  await expect(bed.openLog().entry(3)).rejects.toMatchObject({ code: 'log_corrupt', lsn: 3 })
})

test('a log that ends before its archive, or is another one, is not archived and not served', async () => {
  const bed = await archiveBed()
  await bed.append(6)
  await bed.archive()
  const sixth = bed.table.slots.get(6)!
  bed.table.slots.delete(6)
  const log = bed.openLog()
  const fifth = (await log.markAt(5))!
  await expect(bed.archive()).rejects.toMatchObject({ code: 'log_corrupt', lsn: 6 })
  await expect(log.verifyEnd(fifth)).rejects.toMatchObject({ code: 'log_corrupt', message: /archive goes up to 6/ })
  bed.end = fifth
  await bed.append(2)
  expect(bed.table.slots.get(6)!.hash).not.toBe(sixth.hash)
  await expect(bed.archive()).rejects.toMatchObject({ message: /archive has another entry/ })
})

test('what is missing in the middle is copied again while the table has it', async () => {
  const bed = await archiveBed()
  for (let index = 0; index < 3; index++) {
    await bed.append(2)
    await bed.archive()
  }
  const [, middle] = await keysOf(bed, 'archive')
  await bed.objects.delete(middle!)
  await bed.archive()
  expect(await keysOf(bed, 'archive')).toContain(middle)
})

test('times lead to LSNs, in the archive and behind it', async () => {
  const bed = await archiveBed()
  const times = [bed.genesis.time]
  for (let index = 0; index < 12; index++) {
    bed.pass(1_000)
    await bed.append(1)
    times.push(bed.end.time)
    if (index % 4 === 3 && index < 8) await bed.archive()
  }
  for (const archived of [true, false]) {
    const segments = archived ? chainOf(await listSegments(bed.objects, bed.storeId)).segments : []
    const at = (time: number) => lsnAtTime(bed.openLog(), segments, time)
    for (const [lsn, time] of times.entries()) {
      expect(await at(time)).toBe(lsn)
      expect(await at(time - 1)).toBe(lsn === 0 ? undefined : lsn - 1)
    }
    expect(await at(bed.end.time + LONG_MS)).toBe(12)
  }
})

test('any bit of a segment that changes is found, never served, and mended from the table', {
  timeout: MINUTE,
}, async () => {
  const bed = await archiveBed()
  await bed.append(4)
  await bed.appendLarge()
  await bed.archive()
  const [key] = await keysOf(bed, 'archive')
  const sound = await bed.objects.get(key!)
  const slots = bed.slots()
  for (let round = 0; round < 60; round++) {
    const bit = Math.floor((round % 2 === 0 ? 3_000 * 8 : sound.byteLength * 8) * Math.random())
    await bed.objects.put(key!, withFlippedBit(sound, bit))
    bed.table.slots.clear()
    bed.table.head = { trimmedTo: 5 }
    const log = bed.openLog()
    await expect(entriesAfter(log, bed.genesis), `bit ${bit}`).rejects.toMatchObject({ code: 'archive_corrupt' })
    await expect(log.entry(2)).rejects.toMatchObject({ code: 'archive_corrupt' })
    for (const [lsn, item] of slots) bed.table.slots.set(lsn, item)
    bed.table.head = { trimmedTo: 0 }
    expect((await bed.archive({ check: true })).check!.damaged).toMatchObject([{ key, mended: true }])
    expect((await bed.archive({ check: true })).check!.damaged).toEqual([])
  }
})

test('a damaged segment is mended from another one that has its entries', async () => {
  const bed = await archiveBed()
  await bed.append(3)
  await bed.archive()
  const [small] = await keysOf(bed, 'archive')
  const before = await bed.objects.get(small!)
  await bed.objects.delete(small!)
  await bed.append(3)
  await bed.archive()
  await bed.objects.put(small!, withFlippedBit(before, 9_000))
  bed.table.slots.clear()
  bed.table.head = { trimmedTo: 6 }
  expect(idsOf(await entriesAfter(bed.openLog(), bed.genesis))).toEqual(ids(6))
  expect((await bed.archive({ check: true })).check!.damaged).toMatchObject([{ mended: true }])
})

test('any bit of an entry in the table that changes is found, and the archive has the entry', async () => {
  const bed = await archiveBed()
  await bed.append(5)
  const bodyKey = await bed.appendLarge()
  await bed.append(2)
  await bed.archive()
  const sound = bed.slots()
  const third = sound.get(3)!
  const damages: Partial<LogItem>[] = [
    { body: withFlippedBit(third.body!, 77) },
    { body: new Uint8Array() },
    { hash: 'ee'.repeat(32) },
    { prev: 'ee'.repeat(32) },
    { time: third.time + 1 },
    { format: 3 },
    { trimmed: 5 },
  ]
  for (const damage of damages) {
    bed.table.slots.set(3, { ...third, ...damage })
    const log = bed.openLog()
    expect(idsOf(await entriesAfter(log, bed.genesis))).toEqual(ids(8))
    expect((await log.entry(3))!.hash).toBe(third.hash)
  }
  bed.table.slots.set(3, third)
  await bed.objects.delete(bodyKey)
  expect(idsOf(await entriesAfter(bed.openLog(), bed.genesis))).toEqual(ids(8))
  expect(bed.logger.with('a damaged entry of the log is read from the archive').length).toBeGreaterThan(
    damages.length - 1,
  )
})
