import { expect, test } from 'vitest'
import { archivedEntriesAfter } from '../../lib/archive/archived-entries-after.ts'
import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { readHoldings, uncovered } from '../../lib/archive/coverage.ts'
import { chainOf, listSegments } from '../../lib/archive/segments.ts'
import { DAY_MS } from '../../lib/archive/trim-settings.ts'
import { encodeQuarantine, type QuarantineRecord } from '../../lib/log/quarantine.ts'
import { type ArchiveBed, archiveBed, keysOf, LONG_MS, putSnapshot } from './archive-bed.ts'

/** Slots that are stepped over are archived as what they are, and are in nobody's way. */

/** Damages a slot, or empties it, and records that it is stepped over. */
function lose(bed: ArchiveBed, lsn: number, { to = lsn, empty = false } = {}): QuarantineRecord {
  const { slots, head } = bed.table
  const { prev: hash } = slots.get(to + 1)!
  for (let each = lsn; each <= to; each++) {
    if (empty) slots.delete(each)
    else slots.set(each, { ...slots.get(each)!, time: 1 })
  }
  const at = Math.round(bed.runtime.now())
  const record = { lsn, to, hash, failure: 'a bit', transactions: null, reason: 'the disk', by: 'ann', at }
  records.set(bed, [...(records.get(bed) ?? []), record])
  bed.table.head = { ...head, quarantined: encodeQuarantine(records.get(bed)!) }
  return record
}

const records = new WeakMap<ArchiveBed, QuarantineRecord[]>()

/** What a store reads that follows the whole log. */
async function followed(bed: ArchiveBed) {
  const read: [lsn: number, what: string | string[]][] = []
  const log = bed.openLog()
  for await (const page of log.follow(await log.genesis())) {
    for (const { lsn, transactions, quarantined } of page)
      read.push([lsn, quarantined?.reason ?? transactions.map(({ id }) => id)])
  }
  return read
}

test('archiving, trimming and the proof of what can be restored go on behind it', async () => {
  const bed = await archiveBed()
  await bed.append(3)
  await bed.archive()
  await bed.append(9)
  lose(bed, 4)
  lose(bed, 6, { to: 8, empty: true })
  const all = await followed(bed)
  expect(all).toHaveLength(12)
  expect(all.filter(([, what]) => what === 'the disk')).toHaveLength(4)

  await bed.archive()
  const { gaps, end } = chainOf(await listSegments(bed.objects, bed.storeId))
  expect([gaps, end?.to]).toEqual([[], 12])
  expect((await bed.archive({ check: true })).check?.damaged ?? []).toEqual([])
  const coverage = async () => uncovered(await readHoldings(bed.context(), LONG_MS))
  expect(await coverage()).toEqual([])

  await putSnapshot(bed, 11)
  bed.pass(2 * DAY_MS)
  await bed.append(1)
  await bed.archive()
  expect(await bed.trim({ retentionMs: LONG_MS * 10 })).toMatchObject({ emptied: { from: 0, to: 10 }, refused: [] })
  expect([...bed.slots().values()].filter(({ trimmed }) => trimmed !== undefined)).toHaveLength(11)
  expect(await followed(bed)).toEqual([...all, [13, expect.anything()]])
  bed.pass(36 * DAY_MS)
  expect(await bed.trim({ retentionMs: LONG_MS * 10 })).toMatchObject({ freed: { from: 0, to: 10 }, refused: [] })
  expect([...bed.slots().keys()]).toEqual([11, 12, 13])
  expect(await followed(bed)).toEqual([...all, [13, expect.anything()]])
  expect(await coverage()).toEqual([])
  // Single reads, pages and places, too.
  const log = bed.openLog()
  expect((await log.entry(7))!.quarantined?.lsn).toBe(6)
  expect((await log.page(5, 4)).map(({ lsn, quarantined }) => [lsn, quarantined?.lsn])).toEqual([
    [6, 6],
    [7, 6],
    [8, 6],
    [9, undefined],
  ])
  expect((await log.markAt(7))!.time).toBe((await log.markAt(5))!.time)
  expect(await log.findEnd(0)).toBe(13)
})

test('what several archivers say of it is the same, and it comes without the table, verified', async () => {
  const bed = await archiveBed()
  await bed.append(8)
  const record = lose(bed, 3, { to: 4 })
  await bed.archive()
  const keys = await keysOf(bed, 'archive')
  const bytes = await bed.objects.get(keys[0]!)
  await bed.objects.delete(keys[0]!)
  await bed.archive()
  expect(await keysOf(bed, 'archive')).toEqual(keys)
  const content = (segment: Uint8Array) => Buffer.from(segment).subarray(1_024)
  expect(content(await bed.objects.get(keys[0]!))).toEqual(content(bytes))

  const { objects, storeId, logger } = bed
  const archived = new ArchivedLog({ objects, storeId, logger })
  const items = []
  for await (const page of archivedEntriesAfter(archived, storeId, bed.genesis)) {
    items.push(...page.map(({ item }) => [item.lsn, item.codec === 'quarantine']))
  }
  expect(items.filter(([, isLost]) => isLost)).toEqual([
    [3, true],
    [4, true],
  ])
  const lost = (await archived.entry(4))!
  expect(JSON.parse(Buffer.from(lost.body).toString())).toEqual(record)
  // It stands for nothing but what its record says.
  const elsewhere = { ...lost, item: { ...lost.item, lsn: 5, prev: record.hash } }
  const forged = {
    read: async (after: number) => (after === 4 ? [elsewhere] : []),
    entry: archived.entry,
    end: archived.end,
  }
  const read = archivedEntriesAfter(forged, storeId, { lsn: 4, hash: record.hash, time: lost.item.time })
  await expect(read.next()).rejects.toMatchObject({ code: 'log_corrupt', message: /no record of a quarantine/ })
})

test('what is in the archive is no entry: nobody but the list of the log steps over a slot', async () => {
  const bed = await archiveBed()
  await bed.append(6)
  lose(bed, 3)
  await bed.archive()
  bed.table.head = { trimmedTo: 0 }
  await expect(followed(bed)).rejects.toMatchObject({ code: 'log_corrupt', lsn: 3 })
})

test('a snapshot that has what was lost is none to trim up to', async () => {
  const bed = await archiveBed()
  await bed.append(6)
  await putSnapshot(bed, 5)
  bed.pass(1)
  lose(bed, 3)
  await bed.archive()
  bed.pass(2 * DAY_MS)
  expect(await bed.trim()).toMatchObject({ emptied: undefined, limit: 'there is no verified snapshot' })
  expect((await readHoldings(bed.context(), LONG_MS)).points.map(({ id }) => id)).toEqual(['empty store'])
  await putSnapshot(bed, 6)
  expect(await bed.trim()).toMatchObject({ emptied: { from: 0, to: 5 } })
})
