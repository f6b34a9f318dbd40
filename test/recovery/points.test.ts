import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openPast } from '../../lib/recovery/past-stores.ts'
import { textOfPoint } from '../../lib/recovery/point.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { memoryNode } from '../support/memory-node.ts'
import { pastDigest, ReplayedLog } from '../support/past-states.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { as, LARGE_BATCHES, request, saveQuota } from '../support/requests.ts'
import { RecordingLogger, snapshotContext, submitAll, temporaryObjects } from '../support/snapshots.ts'
import { entriesOf } from '../support/state.ts'

/** The state at a point is that of a store which has only ever replayed the log up to there. */

const MINUTE = 60_000

test('every point gives what replaying the log up to it gives, whatever it is restored from', {
  timeout: 5 * MINUTE,
}, async () => {
  const seed = Number(process.env.SEED ?? 6)
  const pieces = fc.sample(fc.array(randomTransaction, { minLength: 20, maxLength: 60 }), { numRuns: 4, seed })
  const objects = await temporaryObjects()
  const logger = new RecordingLogger()
  const { node, ...store } = await memoryNode({ objects, logger })
  const context = await snapshotContext(store, objects)
  for (const [index, requests] of pieces.entries()) {
    await submitAll(node, requests)
    if (index < 3) await takeSnapshot(context)
  }
  const replayed = await ReplayedLog.of(node.log)
  const points = [...replayed.somePoints({ lsns: 4, places: 3, seed }), { lsn: 0 }, { lsn: node.tailLsn }]
  const expected = await replayed.digests(points)
  for (const point of points) {
    expect(await pastDigest(node, point), textOfPoint(point)).toBe(expected.get(textOfPoint(point)))
  }
  // Some began at a snapshot, and not all at the same one.
  const images = new Set(logger.with('restoring a snapshot').map(({ lsn }) => lsn))
  expect(images.size).toBeGreaterThan(1)
  expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([])
})

test('a time means the last entry with it or before it', { timeout: MINUTE }, async () => {
  const { node } = await memoryNode()
  for (let round = 0; round < 60; round++) {
    await Promise.all([1, 2].map((cpus) => node.submit(request([saveQuota('www', cpus + round)]), as('p'))))
    if (round % 3 === 0) await new Promise((resolve) => setTimeout(resolve, round % 4))
  }
  const entries = await entriesOf(node.log)
  const began = (await node.log.genesis()).time
  const inLine = (time: number) => entries.filter((entry) => entry.time <= time).at(-1)?.lsn ?? 0
  const times = new Set([began, ...entries.flatMap(({ time }) => [time - 1, time, time + 1])])
  for (const time of times) {
    if (time < began || time > node.log.now()) continue
    expect(await node.past.resolve({ time }), String(time - began)).toEqual({ lsn: inLine(time) })
  }
  await expect(node.past.resolve({ time: began - 1 })).rejects.toMatchObject({ code: 'out_of_retention' })
  await expect(node.past.resolve({ time: node.log.now() + MINUTE })).rejects.toMatchObject({ code: 'invalid_field' })
  expect(await node.past.resolve({ agoMs: 0 })).toEqual({ lsn: node.tailLsn })
})

test('a place inside an entry shows its transactions up to that one', { timeout: MINUTE }, async () => {
  const { node, events } = await memoryNode({ queue: LARGE_BATCHES, newLogFormat: 1 })
  // While the first one is on its way the others gather, and become one entry.
  let rest: Promise<unknown> | undefined
  events.onPut = async (_item, put) => {
    rest ??= Promise.all(['a', 'b', 'c'].map((role) => node.submit(request([saveQuota(role)]), as('p'))))
    await new Promise((resolve) => setTimeout(resolve, 50))
    return put()
  }
  await node.submit(request([saveQuota('first')]), as('p'))
  await rest
  const { lsn, transactions } = (await entriesOf(node.log)).find(({ transactions }) => transactions.length > 1)!
  const count = transactions.length
  const rolesAt = async (index?: number) => {
    const past = await openPast(node, { lsn, index })
    const { rows } = await past.query({ sql: 'select role from quota order by role', params: [] }, 10)
    past.close()
    return rows.map(([role]) => Buffer.from(role!).toString())
  }
  const all = await rolesAt()
  const shown = await rolesAt(0)
  expect(all.length - shown.length).toBe(count - 1)
  expect(all).toContain('first')
  // Behind the last one is behind the entry.
  expect(await node.past.resolve({ lsn, index: count - 1 })).toEqual({ lsn })
  expect(await node.past.resolve({ lsn, index: 0 })).toEqual({ lsn, index: 0 })
  await expect(node.past.resolve({ lsn, index: count })).rejects.toMatchObject({ code: 'invalid_field' })
  await expect(node.past.resolve({ lsn: 0, index: 0 })).rejects.toMatchObject({ code: 'invalid_field' })
  await expect(node.past.resolve({ lsn: node.tailLsn + 1 })).rejects.toMatchObject({ code: 'invalid_field' })
})
