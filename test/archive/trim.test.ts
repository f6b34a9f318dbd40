import { describe, expect, test } from 'vitest'
import { trim as trimLog } from '../../lib/archive/trim.ts'
import { DAY_MS } from '../../lib/archive/trim-settings.ts'
import type { RowsRemoved } from '../../lib/model/events.ts'
import { entriesAfter, idsOf } from '../log/log-bed.ts'
import { withFlippedBit } from '../support/snapshots.ts'
import { type ArchiveBed, archiveBed, keysOf, LONG_MS, putSnapshot } from './archive-bed.ts'

const HOUR = 3_600_000

const tombstones = ({ table }: ArchiveBed) =>
  [...table.slots.values()].filter(({ trimmed }) => trimmed !== undefined).map(({ lsn }) => lsn)

/** Ten entries, archived and below a snapshot, two days old; two more that are new. */
async function agedBed() {
  const bed = await archiveBed()
  await bed.append(9)
  const bodyKey = await bed.appendLarge()
  await bed.archive()
  const snapshot = await putSnapshot(bed, 10)
  bed.pass(2 * DAY_MS)
  await bed.append(2)
  await bed.archive()
  return { bed, bodyKey, snapshot }
}

describe('an entry is emptied only', () => {
  test('when all is well: up to the snapshot', async () => {
    const { bed } = await agedBed()
    expect(await bed.trim()).toMatchObject({
      emptied: { from: 0, to: 9 },
      limit: 'the newest verified snapshot is at LSN 10',
    })
    expect(tombstones(bed)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(await bed.trim()).toMatchObject({ emptied: undefined, freed: undefined, refused: [] })
  })

  test('below a verified snapshot', async () => {
    const { bed, snapshot } = await agedBed()
    await bed.objects.delete(`${bed.storeId}/snapshots/${snapshot}/verified.json`)
    expect(await bed.trim()).toMatchObject({ emptied: undefined, limit: 'there is no verified snapshot' })
    expect(tombstones(bed)).toEqual([])
  })

  test('when it is as old as entries are kept', async () => {
    const { bed } = await agedBed()
    await putSnapshot(bed, 12)
    expect(await bed.trim({ tableMs: 3 * DAY_MS })).toMatchObject({ emptied: undefined, limit: 'entries stay 72 h' })
    expect(await bed.trim()).toMatchObject({ emptied: { from: 0, to: 10 } })
  })

  test('when a dump has it, which builds start from that can use no image', async () => {
    const { bed } = await agedBed()
    const trim = (dumped: number | undefined) => trimLog({ ...bed.context(), dumpedTo: async () => dumped })
    const none = 'there is no backup with a dump; boreal backup now makes one'
    expect(await trim(undefined)).toMatchObject({ emptied: undefined, limit: none })
    expect(tombstones(bed)).toEqual([])
    const older = 'the newest dump is at LSN 4; boreal backup now makes another'
    expect(await trim(4)).toMatchObject({ emptied: { from: 0, to: 4 }, limit: older })
    expect(await trim(10)).toMatchObject({ emptied: { from: 5, to: 9 } })
  })

  test('when it is in the archive, without a gap', async () => {
    const { bed } = await agedBed()
    for (const key of await keysOf(bed, 'archive')) await bed.objects.delete(key)
    expect(await bed.trim()).toMatchObject({ emptied: undefined, limit: 'not in the archive yet' })
    expect(tombstones(bed)).toEqual([])
  })

  test('when its copy was read back and is sound', async () => {
    const { bed } = await agedBed()
    bed.objects.fault = { read: (key, bytes) => (key.includes('/archive/') ? withFlippedBit(bytes, 12_000) : bytes) }
    expect((await bed.trim()).refused).toEqual([expect.stringMatching(/segment .* cannot be used/)])
    expect(tombstones(bed)).toEqual([])
  })

  test('when the table has the same one', async () => {
    const { bed } = await agedBed()
    bed.table.slots.set(4, { ...bed.table.slots.get(4)!, hash: 'ab'.repeat(32) })
    expect((await bed.trim()).refused).toEqual([expect.stringMatching(/entry 4 .* something else than the archive/)])
    expect(tombstones(bed)).not.toContain(4)
  })
})

test('a dry run tells the same and does nothing', async () => {
  const { bed } = await agedBed()
  const before = bed.slots()
  const planned = await bed.trim({}, true)
  expect(planned).toMatchObject({ dryRun: true, emptied: { from: 0, to: 9 } })
  expect(bed.slots()).toEqual(before)
  expect(await bed.trim()).toEqual({ ...planned, dryRun: false })
})

describe('a tombstone is deleted', () => {
  test('only when it is as old as that, and after trimmedTo has said so', async () => {
    const { bed } = await agedBed()
    await bed.trim()
    bed.pass(34 * DAY_MS)
    expect(await bed.trim()).toMatchObject({ freed: undefined })
    expect(bed.table.head).toEqual({ trimmedTo: 0 })
    bed.pass(DAY_MS)
    bed.trimmable.fault = {
      before: (operation, lsn) => {
        if (operation === 'remove') expect(bed.table.head.trimmedTo).toBeGreaterThanOrEqual(lsn)
      },
    }
    expect(await bed.trim()).toMatchObject({ freed: { from: 0, to: 9 }, refused: [] })
    expect([...bed.table.slots.keys()]).toEqual([10, 11, 12])
    expect(await bed.trim()).toMatchObject({ freed: undefined })
  })

  test('never, when they stay for ever', async () => {
    const { bed } = await agedBed()
    await bed.trim({ tombstoneMs: Number.POSITIVE_INFINITY })
    bed.pass(1_000 * DAY_MS)
    expect(await bed.trim({ tombstoneMs: Number.POSITIVE_INFINITY })).toMatchObject({ freed: undefined })
    expect(tombstones(bed)).toHaveLength(10)
  })
})

describe('a body beside the table goes', () => {
  test('a day after its entry was trimmed; the archive has it', async () => {
    const { bed, bodyKey } = await agedBed()
    await putSnapshot(bed, 12)
    await bed.trim({ tableMs: DAY_MS })
    expect(tombstones(bed)).toContain(10)
    bed.pass(DAY_MS - HOUR)
    expect((await bed.trim()).bodies).toEqual([])
    bed.pass(2 * HOUR)
    expect((await bed.trim({}, true)).bodies).toEqual([bodyKey])
    expect((await bed.trim()).bodies).toEqual([bodyKey])
    expect(await keysOf(bed, 'bodies')).toEqual([])
    expect((await bed.openLog().entry(10))!.transactions[0]!.id).toBe('e-10')
  })

  test('a day after another attempt has taken its slot, and not while the slot is empty', async () => {
    const bed = await archiveBed()
    await bed.append(3)
    const body = (lsn: number) => `${bed.storeId}/bodies/${String(lsn).padStart(16, '0')}-${bed.runtime.newId()}`
    const [lost, waiting] = [body(3), body(4)]
    for (const key of [lost, waiting]) await bed.objects.put(key, Buffer.from('a body'))
    const used = await (async () => {
      bed.pass(DAY_MS - HOUR)
      return (await bed.trim()).bodies
    })()
    expect(used).toEqual([])
    bed.pass(2 * HOUR)
    expect((await bed.trim()).bodies).toEqual([lost])
    bed.pass(100 * DAY_MS)
    expect((await bed.trim()).bodies).toEqual([])
    const needed = await bed.appendLarge()
    bed.pass(100 * DAY_MS)
    expect((await bed.trim()).bodies).toEqual([waiting])
    expect(await keysOf(bed, 'bodies')).toEqual([needed])
  })
})

test('frames of an entry stay as long as the archive has it, and what was staged goes after a day', async () => {
  const bed = await archiveBed()
  await bed.append(2)
  await bed.appendFramed(7)
  await bed.append(2)
  const framesOf = async () => {
    const log = bed.openLog()
    const entry = (await log.entry(3))!
    const keys: string[] = []
    for await (const events of log.eventsOf(entry))
      for (const event of events) keys.push(...(event as RowsRemoved).keys)
    return keys
  }
  const wanted = await framesOf()
  expect(wanted).toHaveLength(7)
  expect((await keysOf(bed, 'staged')).length).toBeGreaterThan(1)
  await bed.archive()
  bed.pass(2 * DAY_MS)
  await putSnapshot(bed, 5)
  const { bodies } = await bed.trim({ tableMs: DAY_MS })
  expect(bodies.every((key) => key.startsWith(`${bed.storeId}/staged/`))).toBe(true)
  expect(await keysOf(bed, 'staged')).toEqual([])
  expect(tombstones(bed)).toContain(3)
  bed.pass(2 * DAY_MS)
  expect((await bed.trim()).bodies).toEqual([])
  expect(await framesOf()).toEqual(wanted)
  await bed.archive({ check: true })
  expect(await framesOf()).toEqual(wanted)

  // Out of retention, the archive forgets the entry, and its frames go with it.
  bed.pass(LONG_MS)
  for (let round = 0; round < 3; round++) {
    await bed.trim()
    bed.pass(2 * HOUR)
  }
  expect(await keysOf(bed, 'bodies')).toEqual([])
})

test('parts below the name of an entry stay for as long as the archive has the entry', async () => {
  const { bed } = await agedBed()
  const prefix = `${bed.storeId}/bodies/0000000000000004-`
  const ours = `${prefix}${bed.table.slots.get(4)!.attempt}/000000`
  const theirs = `${prefix}${bed.runtime.newId()}/000000`
  for (const key of [ours, theirs]) await bed.objects.put(key, Buffer.from('a part'))
  expect((await bed.trim()).bodies).toEqual([])
  bed.pass(DAY_MS)
  expect((await bed.trim()).bodies).toEqual([theirs])
  bed.pass(40 * DAY_MS)
  const settings = { retentionMs: 100 * DAY_MS }
  await bed.trim(settings)
  expect(bed.table.slots.has(4)).toBe(false)
  expect((await bed.trim(settings)).bodies).not.toContain(ours)
  await bed.trim()
  bed.pass(2 * HOUR)
  expect((await bed.trim()).segments).toHaveLength(1)
  expect((await bed.trim()).bodies).toEqual([ours])
})

describe('a segment goes', () => {
  test('when a snapshot that is as old as what can be restored is behind it, an hour after it was marked', async () => {
    const { bed } = await agedBed()
    await bed.trim()
    bed.pass(LONG_MS)
    await bed.append(1)
    await bed.archive()
    expect((await bed.trim()).segments).toEqual([])
    expect(await keysOf(bed, 'archive')).toContain(`${bed.storeId}/archive/deletion.json`)
    bed.pass(HOUR / 2)
    expect((await bed.trim()).segments).toEqual([])
    bed.pass(HOUR)
    const [first, ...others] = (await keysOf(bed, 'archive')).filter((key) => !key.endsWith('.json'))
    expect((await bed.trim({}, true)).segments).toEqual([first])
    expect((await bed.trim()).segments).toEqual([first])
    expect(await keysOf(bed, 'archive')).toEqual(others)
    const log = bed.openLog()
    expect(idsOf(await entriesAfter(log, (await log.markAt(10))!))).toEqual(['e-11', 'e-12', 'e-13'])
    await expect(log.entry(5)).rejects.toMatchObject({ name: 'LogTrimmed' })
    // The archive goes on, and does not try to get back what was meant to go.
    await bed.append(1)
    expect(await bed.archive()).toMatchObject({ lsn: 14, entries: 1 })
    expect(bed.logger.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('not when the image of that snapshot is damaged', async () => {
    const { bed, snapshot } = await agedBed()
    await bed.trim()
    bed.pass(LONG_MS)
    await bed.trim()
    bed.pass(2 * HOUR)
    const part = `${bed.storeId}/snapshots/${snapshot}/image/00000`
    await bed.objects.put(part, withFlippedBit(await bed.objects.get(part), 3))
    const before = await keysOf(bed, 'archive')
    expect((await bed.trim()).refused).toEqual([expect.stringMatching(/part 0 of the image .* is damaged/)])
    expect(await keysOf(bed, 'archive')).toEqual(before)
  })

  test('not when what is newer has a hole', async () => {
    const { bed } = await agedBed()
    await bed.trim()
    bed.pass(LONG_MS)
    await bed.append(2)
    await putSnapshot(bed, 14)
    await bed.archive()
    await bed.trim()
    // Entries 11 and 12 are gone, from the archive and from the table.
    const [, second] = await keysOf(bed, 'archive')
    await bed.objects.delete(second!)
    bed.pass(2 * HOUR)
    const { segments, refused } = await bed.trim()
    expect(segments).toEqual([])
    expect(refused).toEqual([
      expect.stringMatching(/segments up to LSN 10 .* stay: .*LSNs 12 to 13 .* entry 11 is in neither/),
    ])
  })
})

describe('stopped', () => {
  class Killed extends Error {}

  /** Runs `work` again and again, each time killed one request later, until it comes through. */
  async function killedEverywhere(bed: ArchiveBed, work: () => Promise<unknown>, check: () => Promise<void>) {
    for (let last = 0; ; last++) {
      let requests = 0
      let isDead = false
      const before = () => {
        if (isDead) throw new Killed()
      }
      const after = () => {
        if (requests++ !== last) return
        isDead = true
        throw new Killed()
      }
      bed.objects.fault = { before, after }
      bed.trimmable.fault = { before, after }
      const outcome = await work().catch((error: unknown) => error)
      bed.objects.fault = {}
      bed.trimmable.fault = {}
      await check()
      if (!(outcome instanceof Error)) return last
      expect(isDead).toBe(true)
    }
  }

  test('anywhere, archive and trim have lost nothing, and the next run goes on', { timeout: 120_000 }, async () => {
    const bed = await archiveBed()
    const check = async () => {
      const found = idsOf(await entriesAfter(bed.openLog(), bed.genesis))
      expect(found).toEqual(Array.from({ length: bed.end.lsn }, (_, index) => `e-${index + 1}`))
      for (let lsn = bed.table.head.trimmedTo + 1; lsn <= bed.end.lsn; lsn++)
        expect(bed.table.slots.has(lsn)).toBe(true)
    }
    await bed.append(40)
    await bed.appendLarge()
    expect(await killedEverywhere(bed, () => bed.archive(), check)).toBeGreaterThan(2)
    await putSnapshot(bed, 41)
    bed.pass(2 * DAY_MS)
    await bed.append(1)
    await bed.archive()
    expect(await killedEverywhere(bed, () => bed.trim(), check)).toBeGreaterThan(15)
    expect(tombstones(bed)).toHaveLength(41)
    bed.pass(36 * DAY_MS)
    // Everything is in retention still.
    const settings = { retentionMs: 100 * DAY_MS }
    expect(await killedEverywhere(bed, () => bed.trim(settings), check)).toBeGreaterThan(15)
    expect([...bed.table.slots.keys()]).toEqual([41, 42])
    expect(await bed.trim(settings)).toMatchObject({ emptied: undefined, freed: undefined, bodies: [], refused: [] })
  })

  test('among several requests at once, what it left behind is done by the next run', async () => {
    const { bed } = await agedBed()
    const failing = (name: string) => {
      bed.trimmable.fault = {
        before: (operation, lsn) => {
          if (operation === name && [1, 4].includes(lsn)) throw new Killed()
        },
      }
    }
    failing('bury')
    await expect(bed.trim()).rejects.toThrow(Killed)
    expect(tombstones(bed)).toEqual([0, 2, 3, 5, 6, 7])
    bed.trimmable.fault = {}
    await bed.trim()
    expect(tombstones(bed)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    bed.pass(36 * DAY_MS)
    const settings = { retentionMs: 100 * DAY_MS }
    failing('remove')
    await expect(bed.trim(settings)).rejects.toThrow(Killed)
    expect(tombstones(bed)).toEqual([1, 4, 8, 9])
    bed.trimmable.fault = {}
    await bed.trim(settings)
    expect([...bed.table.slots.keys()]).toEqual([10, 11, 12])
  })

  test('in turns with others, nothing is lost either', async () => {
    const bed = await archiveBed()
    await bed.append(60)
    await bed.archive()
    await putSnapshot(bed, 60)
    bed.pass(2 * DAY_MS)
    // One stands still in the middle while others do all of it.
    let others: Promise<unknown> | undefined
    bed.trimmable.fault = {
      before: async (operation, lsn) => {
        if (operation !== 'bury' || lsn !== 20 || others !== undefined) return
        others = Promise.resolve()
        await Promise.all([bed.trim(), bed.archive(), bed.trim()])
        bed.pass(36 * DAY_MS)
        await Promise.all([bed.trim({ retentionMs: LONG_MS * 9 }), bed.trim({ retentionMs: LONG_MS * 9 })])
        expect(bed.table.head.trimmedTo).toBe(59)
      },
    }
    expect((await bed.trim({ retentionMs: LONG_MS * 9 })).refused).toEqual([])
    expect([...bed.table.slots.keys()]).toEqual([60])
    expect(idsOf(await entriesAfter(bed.openLog(), bed.genesis))).toHaveLength(60)
  })
})
