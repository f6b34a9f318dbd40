import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  assertCovered,
  type Holdings,
  type Removal,
  readHoldings,
  restorableFrom,
  TABLE,
  uncovered,
} from '../../lib/archive/coverage.ts'
import { DAY_MS } from '../../lib/archive/trim-settings.ts'
import { archiveBed, keysOf, LONG_MS, putSnapshot } from './archive-bed.ts'

const holdings = (points: number[], stretches: [number, number][], tail: number, from = 0): Holdings => ({
  points: points.map((lsn) => ({ id: `s${lsn}`, lsn, time: lsn + 1 })),
  stretches: stretches.map(([first, last], index) => ({ where: `segment-${index}`, from: first, to: last })),
  ...{ tail, from, fromTime: 0 },
})

test('an LSN can be restored when there is a point below it and every entry from there on', () => {
  expect(uncovered(holdings([0], [[0, 10]], 10))).toEqual([])
  expect(uncovered(holdings([5], [[0, 10]], 10))).toMatchObject(
    [{ from: 0, to: 4, why: /no verified snapshot/ }].map((gap) => ({ ...gap, why: expect.stringMatching(gap.why) })),
  )
  const withHole = (from?: number) =>
    holdings(
      [0, 7],
      [
        [0, 3],
        [5, 10],
      ],
      10,
      from,
    )
  expect(uncovered(withHole())).toEqual([
    { from: 4, to: 6, why: 'the nearest point below is s0 at LSN 0, and entry 4 is in neither table nor archive' },
  ])
  expect(uncovered(withHole(7))).toEqual([])
  expect(uncovered(holdings([], [[0, 3]], 3))).toMatchObject([{ from: 0, to: 3 }])
  expect(restorableFrom(withHole())).toBe(7)
})

test('without a point or a segment that something needs, it says which LSNs, and why', () => {
  const all = holdings(
    [0, 4],
    [
      [0, 3],
      [3, 8],
      [9, 10],
    ],
    10,
  )
  const refusal = (removal: Removal) => {
    try {
      return assertCovered(all, removal, 'this')
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(refusal({ points: new Set(['s4']) })).toBeUndefined()
  expect(refusal({ points: new Set(['s0']) })).toMatch(/without it LSNs 0 to 3 .* no verified snapshot at or below/)
  expect(refusal({ segments: new Set(['segment-0']) })).toMatch(/without it LSNs 1 to 3 .* s0 at LSN 0, and entry 1/)
  expect(refusal({ segments: new Set(['segment-2']) })).toMatch(/without it LSNs 9 to 10 .* s4 at LSN 4, and entry 9/)
})

test('while something in the middle is missing nothing may go; what was forgotten long ago is not missing', () => {
  const hole = holdings(
    [4, 9],
    [
      [5, 6],
      [8, 12],
    ],
    12,
  )
  expect(() => assertCovered(hole, {}, 'this')).toThrow(/LSNs 7 to 8 cannot be restored even now/)
  expect(() => assertCovered(holdings([4], [[5, 12]], 12), {}, 'this')).not.toThrow()
  expect(() => assertCovered(holdings([], [], 12), {}, 'this')).toThrow(/LSNs 0 to 12/)
})

test('is what trying every LSN gives', () => {
  const lsn = fc.integer({ min: 0, max: 20 })
  const stretch = fc.tuple(lsn, lsn).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as [number, number])
  fc.assert(
    fc.property(
      fc.uniqueArray(lsn, { maxLength: 4 }),
      fc.array(stretch, { maxLength: 5 }),
      lsn,
      lsn,
      (points, stretches, tail, from) => {
        const has = (entry: number) => stretches.some(([first, last]) => first <= entry && entry <= last)
        const restorable = (target: number) =>
          points.some((point) => {
            if (point > target) return false
            for (let entry = point + 1; entry <= target; entry++) if (!has(entry)) return false
            return true
          })
        const expected: number[] = []
        for (let target = from; target <= tail; target++) if (!restorable(target)) expected.push(target)
        const gaps = uncovered(holdings(points, stretches, tail, from))
        const found = gaps.flatMap((gap) =>
          Array.from({ length: gap.to - gap.from + 1 }, (_, index) => gap.from + index),
        )
        expect(found).toEqual(expected)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('what there is: snapshots that are verified and stay, segments, and what the table still has', async () => {
  const bed = await archiveBed()
  await bed.append(10)
  await bed.archive()
  const snapshot = await putSnapshot(bed, 8)
  bed.pass(2 * DAY_MS)
  await bed.append(2)
  await bed.trim()
  const read = () => readHoldings(bed.context(), LONG_MS)
  const [segment] = await keysOf(bed, 'archive')
  const found = await read()
  expect(found).toMatchObject({ tail: 12, from: 0 })
  expect(found.points.map(({ id }) => id)).toEqual([snapshot, 'empty store'])
  expect(found.stretches).toEqual([
    { where: segment, from: 0, to: 10 },
    { where: TABLE, from: 8, to: 12 },
  ])
  expect(uncovered(found)).toEqual([])
  expect(uncovered({ ...found, from: 8 }, { segments: new Set([segment!]) })).toEqual([])
  expect(uncovered(found, { points: new Set([snapshot]) })).toEqual([])
  await bed.objects.put(`${bed.storeId}/snapshots/${snapshot}/image/00000`, Buffer.from('another size'))
  expect((await read()).points.map(({ id }) => id)).toEqual(['empty store'])
  expect((await readHoldings(bed.context(), DAY_MS)).from).toBe(10)
})
