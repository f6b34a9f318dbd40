import fc from 'fast-check'
import { expect, test } from 'vitest'
import { archive } from '../../lib/archive/archive.ts'
import { trim } from '../../lib/archive/trim.ts'
import { DAY_MS, TRIM_SETTINGS } from '../../lib/archive/trim-settings.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { type Point, textOfPoint } from '../../lib/recovery/point.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { pastDigest, ReplayedLog } from '../support/past-states.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { snapshotContext, submitAll, temporaryObjects, trimContext } from '../support/snapshots.ts'

/**
 * A long history with snapshots, backups, archiving and trims at random places: random LSNs, places inside entries and times
 * give what replaying a log gives that nobody has trimmed. TRANSACTIONS and POINTS make it shorter, SEED another one.
 */

const SEED = Number(process.env.SEED ?? 6)
const TRANSACTIONS = Number(process.env.TRANSACTIONS ?? 20_000)
const POINTS = Number(process.env.POINTS ?? 200)
/** Restored side by side. */
const AT_ONCE = 2
/** What happens between two pieces of the history. */
const ACTIONS = ['snapshot', 'backup', 'archive', 'trim', 'trim'] as const

const settings = { ...TRIM_SETTINGS, tableMs: DAY_MS / 2, tombstoneMs: DAY_MS, retentionMs: 1_000 * DAY_MS }

test(`${TRANSACTIONS} transactions: ${POINTS} LSNs and ${POINTS} times are restored as they were`, {
  timeout: 3_600_000,
}, async () => {
  const [objects, backups] = [await temporaryObjects(), await temporaryObjects()]
  const runtime = new ManualRuntime()
  const { node, ...store } = await memoryNode({
    objects,
    bodies: objects,
    runtime,
    readers: 1,
    past: { most: AT_ONCE },
    pollMs: 0,
  })
  const boot = (image: Parameters<typeof ThreadEngine.boot>[0]) => ThreadEngine.boot(image)
  const context = async () => ({ ...(await trimContext(store, objects, { boot, runtime })), backups })
  /** Every item that there ever was. */
  const untrimmed = new Map<number, LogItem>()
  const done = { snapshot: 0, backup: 0, archive: 0, trim: 0 }
  const act = {
    snapshot: async () => (await takeSnapshot(await context())).made,
    backup: async () => (await takeBackup(await context())).made,
    archive: async () => archive(await context()),
    trim: async () => {
      await archive(await context())
      const { refused, emptied } = await trim(await context(), { settings })
      expect(refused).toEqual([])
      return emptied !== undefined
    },
  }
  const piece = fc.record({
    size: fc.integer({ min: 1, max: Math.ceil(TRANSACTIONS / 30) }),
    action: fc.constantFrom(...ACTIONS),
    pauseMs: fc.integer({ min: 0, max: DAY_MS / 2 }),
  })
  const pieces = fc.sample(piece, { numRuns: TRANSACTIONS, seed: SEED })
  let submitted = 0
  for (const [index, { size, action, pauseMs }] of pieces.entries()) {
    if (submitted >= TRANSACTIONS) break
    const numRuns = Math.min(size, TRANSACTIONS - submitted)
    await submitAll(node, fc.sample(randomTransaction, { numRuns, seed: SEED + index }))
    submitted += numRuns
    for (const [lsn, item] of store.table.slots) if (item.trimmed === undefined) untrimmed.set(lsn, { ...item })
    runtime.elapse({ wall: pauseMs, monotonic: pauseMs })
    if (await act[action]()) done[action]++
  }
  const { trimmedTo } = store.table.head
  expect(trimmedTo).toBeGreaterThan(0)
  expect(Math.min(...Object.values(done))).toBeGreaterThan(0)
  expect(untrimmed.size).toBe(node.tailLsn + 1)

  const table = new MemoryTable()
  for (const [lsn, item] of untrimmed) table.slots.set(lsn, item)
  const bodies = await temporaryObjects()
  const replayed = await ReplayedLog.of((await snapshotContext({ ...store, table }, bodies, { runtime })).log)
  const { entries } = replayed
  const points: Point[] = replayed.somePoints({ lsns: POINTS, places: Math.ceil(POINTS / 20), seed: SEED })
  // Any moment of the history, and those at which entries were written.
  const [first, last] = [entries[0]!.time, entries.at(-1)!.time]
  const near = fc.tuple(fc.constantFrom(...entries), fc.integer({ min: -1, max: 1 })).map(([{ time }, ms]) => time + ms)
  const time = fc.oneof(fc.integer({ min: first, max: last }), near)
  for (const at of fc.sample(time, { numRuns: POINTS, seed: SEED })) {
    const lsn = entries.findLast((entry) => entry.time <= at)?.lsn ?? 0
    expect(await node.past.resolve({ time: at }), `the time ${at - first}`).toEqual({ lsn })
    points.push({ lsn })
  }
  const expected = await replayed.digests(points)
  process.stderr.write(`${entries.length} entries, trimmed to ${trimmedTo}, ${JSON.stringify(done)}\n`)
  const left = [...points]
  const restore = async () => {
    for (let point = left.pop(); point !== undefined; point = left.pop()) {
      expect(await pastDigest(node, point), textOfPoint(point)).toBe(expected.get(textOfPoint(point)))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, restore))
  process.stderr.write(`${points.length} points restored\n`)
})
