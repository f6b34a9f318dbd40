import { expect, test } from 'vitest'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import type { BorealNode, Consistency } from '../../lib/node/node.ts'
import { openPast, PastStores } from '../../lib/recovery/past-stores.ts'
import { onlyEmptyStore } from '../../lib/replica/image-source.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { testImage } from '../support/image.ts'
import { memoryNode, type TestNodeOptions } from '../support/memory-node.ts'
import { as, request, saveTask } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'
import { RecordingLogger, snapshotContext, temporaryObjects } from '../support/snapshots.ts'

/** Past states are few, shared and bounded, and nobody who asks for one hangs. */

const COUNT = { sql: 'select count(*) from task', params: [] }
const SLEEP = { sql: 'select pg_sleep(60)', params: [] }
const MINUTE = 60_000

/** A node with `count` entries, each with one more task. */
async function nodeWith(count: number, options: TestNodeOptions = {}) {
  const logger = new RecordingLogger()
  const made = await memoryNode({ logger, ...options })
  for (let n = 1; n <= count; n++) await made.node.submit(request([saveTask(`t${n}`)]), as('p'))
  return { ...made, logger, restored: () => logger.with('restoring a past state').map(({ point }) => point) }
}

const asOf = (lsn: number): Consistency => ({ level: 'asOf', asOf: { lsn } })

async function tasksAt(node: BorealNode, lsn: number): Promise<number> {
  const answer = await node.read([COUNT], asOf(lsn))
  expect(answer.lsn).toBe(lsn)
  return Number(answer.results[0]!.rows[0]![0]!.toString())
}

test('more points than may be open are read at once; each shows its own state, and is restored once', {
  timeout: 3 * MINUTE,
}, async () => {
  const { node, restored } = await nodeWith(5, { past: { most: 2 }, readTimeoutMs: 2 * MINUTE })
  let most = 0
  const watching = setInterval(() => (most = Math.max(most, node.past.stores.figures.length)), 1)
  const lsns = [1, 2, 3, 4, 5].flatMap((lsn) => Array.from({ length: 6 }, () => lsn))
  expect(await Promise.all(lsns.map((lsn) => tasksAt(node, lsn)))).toEqual(lsns)
  clearInterval(watching)
  expect(most).toBe(2)
  expect(restored().sort()).toEqual(['1', '2', '3', '4', '5'])
  // The last ones stay open for whoever comes next; the least recently read one goes first.
  const open = node.past.stores.figures.map(({ lsn }) => lsn)
  await tasksAt(node, open[0]!)
  await tasksAt(node, open[1]!)
  await tasksAt(node, open[0]!)
  expect(restored()).toHaveLength(5)
  const another = [1, 2, 3, 4, 5].find((lsn) => !open.includes(lsn))!
  await tasksAt(node, another)
  expect(node.past.stores.figures.map(({ lsn }) => lsn).sort()).toEqual([open[0], another].sort())
  expect((await node.status()).past).toHaveLength(2)
})

test('a state that takes longer to restore is asked for again, and goes on being restored meanwhile', {
  timeout: MINUTE,
}, async () => {
  const { node, events, restored } = await nodeWith(3, { readTimeoutMs: 400 })
  const { opened, open } = gate()
  events.holdPages = opened
  const refusal = {
    code: 'lsn_not_reached',
    retryAfter: expect.any(Number),
    message: expect.stringContaining('Ask again'),
  }
  await expect(tasksAt(node, 2)).rejects.toMatchObject(refusal)
  await expect(tasksAt(node, 2)).rejects.toMatchObject(refusal)
  expect(node.past.stores.figures).toMatchObject([{ lsn: 2, state: 'opening', users: 0 }])
  open()
  await expect.poll(() => node.past.stores.figures[0]!.state).toBe('open')
  expect(await tasksAt(node, 2)).toBe(2)
  expect(restored()).toEqual(['2'])
})

test('when all places are taken the next one waits its time and is refused, until one is given back', {
  timeout: MINUTE,
}, async () => {
  const { node } = await nodeWith(3, { past: { most: 1 }, readTimeoutMs: 300 })
  const held = await openPast(node, { lsn: 1 })
  await expect(tasksAt(node, 2)).rejects.toMatchObject({ code: 'overloaded', retryAfter: 5 })
  const waiting = openPast(node, { lsn: 2 })
  held.close()
  held.close()
  const next = await waiting
  expect(next.lsn).toBe(2)
  next.close()
  await expect(held.read([COUNT])).rejects.toMatchObject({ code: 'internal' })
  expect(node.past.stores.figures).toMatchObject([{ lsn: 2, users: 0 }])
})

test('SQL that does not end is ended; reads that waited behind it get their answers', { timeout: MINUTE }, async () => {
  const { node, restored } = await nodeWith(2, { queryTimeoutMs: 500, readTimeoutMs: 30_000 })
  await tasksAt(node, 1)
  const endless = node.query(SLEEP, 10, asOf(1)).catch(({ code }) => code)
  expect(await Promise.all([tasksAt(node, 1), tasksAt(node, 1), endless])).toEqual([1, 1, 'deadline_exceeded'])
  expect(restored()).toEqual(['1', '1'])
  await expect(node.query({ sql: 'delete from task', params: [] }, 10, asOf(1))).rejects.toThrow(/read-only|only/i)
})

test('one that nobody reads is closed', { timeout: MINUTE }, async () => {
  const { node, restored } = await nodeWith(2, { past: { idleMs: 200 } })
  await tasksAt(node, 1)
  expect(node.past.stores.figures).toMatchObject([{ lsn: 1, state: 'open' }])
  await expect.poll(() => node.past.stores.figures).toEqual([])
  expect(await tasksAt(node, 1)).toBe(1)
  expect(restored()).toEqual(['1', '1'])
})

test('the end of the node ends them all: open ones, those on their way, and those who wait', {
  timeout: MINUTE,
}, async () => {
  const { node, events } = await nodeWith(3, { past: { most: 2 }, readTimeoutMs: 30_000 })
  const open = await openPast(node, { lsn: 1 })
  const running = open.query(SLEEP, 1)
  events.holdPages = gate().opened
  const all = [running, tasksAt(node, 2), tasksAt(node, 3)].map((work) =>
    work.then(
      () => 'done',
      (error: Error & { code?: string }) => error.code ?? error.name,
    ),
  )
  await expect.poll(() => node.past.stores.figures.length).toBe(2)
  await node.close()
  expect(await Promise.all(all)).toEqual(['EngineDied', 'not_ready', 'not_ready'])
  await expect(tasksAt(node, 1)).rejects.toMatchObject({ code: 'not_ready' })
  await expect(open.read([COUNT])).rejects.toThrow(/ended/)
  expect(node.past.stores.figures).toEqual([])
})

test('what makes a state impossible to restore is said, and not remembered', { timeout: MINUTE }, async () => {
  const { node, table } = await nodeWith(3)
  const second = table.slots.get(2)!
  table.slots.set(2, { ...second, bodyHash: '0'.repeat(64) })
  await expect(tasksAt(node, 3)).rejects.toMatchObject({ code: 'log_corrupt', lsn: 2 })
  expect(await tasksAt(node, 1)).toBe(1)
  table.slots.set(2, second)
  expect(await tasksAt(node, 3)).toBe(3)
})

test('a failure that nobody waited for is told to the next who asks', { timeout: MINUTE }, async () => {
  const { node, table, events } = await nodeWith(3, { readTimeoutMs: 300 })
  const { opened, open } = gate()
  events.holdPages = opened
  await expect(tasksAt(node, 3)).rejects.toMatchObject({ code: 'lsn_not_reached' })
  const second = table.slots.get(2)!
  table.slots.set(2, { ...second, bodyHash: '0'.repeat(64) })
  open()
  await expect.poll(() => node.past.stores.figures[0]!.state).toBe('failed')
  table.slots.set(2, second)
  await expect(tasksAt(node, 3)).rejects.toMatchObject({ code: 'log_corrupt', lsn: 2 })
  await expect.poll(() => tasksAt(node, 3).catch(({ code }) => code)).toBe(3)
})

test('what was trimmed is refused with the oldest state that there is', { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await nodeWith(3, { objects })
  await takeSnapshot(await snapshotContext(store, objects))
  await node.submit(request([saveTask('t4')]), as('p'))
  const { time } = (await node.log.entry(1))!
  store.table.head = { trimmedTo: 3 }
  for (const lsn of [1, 2, 3]) store.table.slots.delete(lsn)
  const trimmed = (await memoryNode({ table: store.table, storeId: store.storeId, objects })).node
  expect(await tasksAt(trimmed, 3)).toBe(3)
  expect(await tasksAt(trimmed, 4)).toBe(4)
  const refusal = { code: 'out_of_retention', message: expect.stringContaining('LSN 3') }
  await expect(tasksAt(trimmed, 2)).rejects.toMatchObject(refusal)
  await expect(trimmed.past.resolve({ time })).rejects.toMatchObject(refusal)
  await expect(trimmed.past.resolve({ lsn: 2, index: 0 })).rejects.toMatchObject({ code: 'out_of_retention' })
  expect(await trimmed.past.resolve({ agoMs: 0 })).toEqual({ lsn: 4 })
})

test('no state is opened for which the machine has not the memory', async () => {
  const { node } = await nodeWith(1)
  const { log } = node
  const images = onlyEmptyStore(await testImage(), () => log.genesis())
  const context = { log, images, runtime: systemRuntime, logger: silentLogger, hasMemory: () => false }
  const stores = new PastStores(context)
  await expect(stores.open({ lsn: 1 })).rejects.toMatchObject({ code: 'overloaded', retryAfter: 30 })
  expect(stores.figures).toEqual([])
})
