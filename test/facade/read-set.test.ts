import { expect, test } from 'vitest'
import { type Point, ReadSet } from '../../lib/storage/read-set.ts'

/** What a closure has read, as no more preconditions than a transaction takes, and none that says less. */

const point = (key: string, version?: number, job?: string): Point => {
  return { entity: 'task', key, version, within: job === undefined ? undefined : { job } }
}

test('points keep their versions, scopes go up to where everything was checked', () => {
  const reads = new ReadSet()
  expect([reads.lsn, reads.preconditions()]).toEqual([undefined, []])
  reads.add(5, [point('a', 3), point('b')], [{ entity: 'quota', scope: { role: 'www' } }])
  reads.add(9, [], [{ entity: 'host', scope: {} }])
  expect(reads.lsn).toBe(9)
  expect(reads.preconditions()).toEqual([
    { entity: 'task', key: 'a', version: 3 },
    { entity: 'task', key: 'b', absent: true },
    { entity: 'quota', scope: { role: 'www' }, unchangedSince: 9 },
    { entity: 'host', scope: {}, unchangedSince: 9 },
  ])
})

test('everything of an entity stands for all else of it, before and after', () => {
  const reads = new ReadSet()
  reads.add(1, [point('a', 1)], [{ entity: 'task', scope: { role: 'www' } }])
  reads.add(2, [], [{ entity: 'task', scope: {} }])
  reads.add(3, [point('b', 1)], [{ entity: 'task', scope: { host: 'h' } }])
  expect(reads.preconditions()).toEqual([{ entity: 'task', scope: {}, unchangedSince: 3 }])
})

test('many points become the scopes that they are in; if one is in none, all become everything', () => {
  const present = Array.from({ length: 201 }, (_, index) => point(`t-${index}`, 1, `www/prod/job-${index % 3}`))
  const reads = new ReadSet()
  reads.add(7, present.slice(0, 200), [])
  expect(reads.preconditions()).toHaveLength(200)
  reads.add(8, present.slice(200), [])
  expect(reads.preconditions()).toEqual(
    [0, 1, 2].map((job) => ({ entity: 'task', scope: { job: `www/prod/job-${job}` }, unchangedSince: 8 })),
  )
  const absent = new ReadSet()
  absent.add(8, [...present.slice(0, 200), point('nobody')], [])
  expect(absent.preconditions()).toEqual([{ entity: 'task', scope: {}, unchangedSince: 8 }])
})

test('there are never more than a transaction takes', () => {
  const reads = new ReadSet()
  for (const entity of ['task', 'host', 'quota', 'lock', 'cronJob'] as const) {
    for (let index = 0; index < 190; index++) {
      const scopes = index < 90 ? [{ entity, scope: { role: `r-${index}` } }] : []
      reads.add(index, [{ entity, key: `k-${index}`, version: 1 }], entity === 'host' ? [] : scopes)
      expect(reads.preconditions().length).toBeLessThanOrEqual(500)
    }
  }
  expect(new Set(reads.preconditions().map(({ entity }) => entity)).size).toBe(5)
})
