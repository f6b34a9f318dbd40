import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Point, textOfPoint } from '../../lib/recovery/point.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { memoryNode } from '../support/memory-node.ts'
import { pastDigest, ReplayedLog } from '../support/past-states.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { snapshotContext, submitAll, temporaryObjects } from '../support/snapshots.ts'

/**
 * A long history with snapshots at random places: random LSNs, places inside entries and times give what replaying the log
 * gives. TRANSACTIONS and POINTS make it shorter, SEED another one.
 */

const SEED = Number(process.env.SEED ?? 6)
const TRANSACTIONS = Number(process.env.TRANSACTIONS ?? 20_000)
const POINTS = Number(process.env.POINTS ?? 200)
/** Restored side by side. */
const AT_ONCE = 2

test(`${TRANSACTIONS} transactions: ${POINTS} LSNs and ${POINTS} times are restored as they were`, {
  timeout: 3_600_000,
}, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode({ objects, readers: 1, past: { most: AT_ONCE } })
  const boot = (image: Parameters<typeof ThreadEngine.boot>[0]) => ThreadEngine.boot(image)
  const context = await snapshotContext(store, objects, { boot })
  const pieces = fc.sample(fc.record({ size: fc.integer({ min: 50, max: 1_000 }), isTaken: fc.boolean() }), {
    ...{ numRuns: TRANSACTIONS, seed: SEED },
  })
  let [submitted, snapshots] = [0, 0]
  for (const [index, { size, isTaken }] of pieces.entries()) {
    if (submitted >= TRANSACTIONS) break
    const numRuns = Math.min(size, TRANSACTIONS - submitted)
    await submitAll(node, fc.sample(randomTransaction, { numRuns, seed: SEED + index }))
    submitted += numRuns
    if (isTaken && (await takeSnapshot(context)).made) snapshots++
  }

  const replayed = await ReplayedLog.of(node.log)
  const { entries } = replayed
  const [first, last] = [entries[0]!.time, entries.at(-1)!.time]
  const times = fc.sample(fc.integer({ min: first, max: last }), { numRuns: POINTS, seed: SEED })
  const points: Point[] = replayed.somePoints({ lsns: POINTS, places: Math.ceil(POINTS / 20), seed: SEED })
  for (const time of times) {
    const lsn = entries.findLast((entry) => entry.time <= time)!.lsn
    expect(await node.past.resolve({ time })).toEqual({ lsn })
    points.push({ lsn })
  }
  const expected = await replayed.digests(points)
  const left = [...points]
  const restore = async () => {
    for (let point = left.pop(); point !== undefined; point = left.pop()) {
      expect(await pastDigest(node, point), textOfPoint(point)).toBe(expected.get(textOfPoint(point)))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, restore))
  process.stderr.write(`${entries.length} entries, ${snapshots} snapshots, ${points.length} points restored\n`)
  expect(snapshots).toBeGreaterThan(0)
})
