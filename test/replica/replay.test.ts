import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Log } from '../../lib/log/log.ts'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { BorealNode } from '../../lib/node/node.ts'
import type { ReplayProgress } from '../../lib/replica/progress.ts'
import { replay, replayUnread } from '../../lib/replica/replay.ts'
import type { Run } from '../../lib/replica/runs.ts'
import { digestOf, digestStatement, tableHashesStatement } from '../../lib/store/digest.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import type { Store } from '../../lib/store/store.ts'
import { testImage } from '../support/image.ts'
import { largeSlices } from '../support/large-store.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryLog, memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { as, request, saveQuota } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'
import { emptyStore, stateOf } from '../support/state.ts'

const HOUR = 60 * 60_000

/** A log of random transactions in which keys are forgotten, and one of them is used again. */
async function randomLog(): Promise<{ log: Log; lsn: number; state: object }> {
  const runtime = new ManualRuntime()
  const horizon = { maxAgeMs: 4 * HOUR, minAgeMs: HOUR, maxKeys: 40, sliceMs: HOUR }
  const { node } = await memoryNode({ horizon, runtime })
  for (const [index, each] of fc.sample(randomTransaction, { numRuns: 200, seed: 11 }).entries()) {
    const key = index % 2 === 0 ? { key: `key-${index % 200}` } : {}
    await node.submit(each, { principal: 'p', ...key }).catch(() => undefined)
    if (index % 4 === 0) runtime.elapse({ wall: HOUR, monotonic: HOUR })
  }
  const { results } = await node.read([digestStatement, tableHashesStatement], { level: 'consistent' })
  return { log: node.log, lsn: node.tailLsn, state: { digest: digestOf(results[0]), tables: jsonOf(results[1]) } }
}

const indexesOf = async (store: Store) => (await store.run([INDEXES]))[0]!.rows[0]![0]!.toString()
const INDEXES = { sql: "select string_agg(indexdef, ';' order by indexdef) from pg_indexes", params: [] }

test('gives the same state in runs of any size, step by step and in bulk, and all indexes', {
  timeout: 120_000,
}, async () => {
  const { log, lsn, state } = await randomLog()
  const pristine = await emptyStore(log)
  const indexes = await indexesOf(pristine)
  await pristine.engine.kill()
  for (const events of [3, 100_000]) {
    for (const way of [replay, replayUnread]) {
      const store = await emptyStore(log)
      const runs: Run[] = []
      const limits = { events, bytes: 1024 * 1024 }
      await way(log, store, { limits, onRun: (run) => runs.push(run), upTo: lsn, inBulk: true })
      expect(await stateOf(store)).toEqual(state)
      expect(await indexesOf(store)).toBe(indexes)
      expect(runs.at(-1)!.to.lsn).toBe(store.mark.lsn)
      if (events === 100_000) expect(runs.length).toBe(1)
      await store.engine.kill()
    }
  }
})

test('turns to a bulk load when a few entries turn out to have many rows', { timeout: 60_000 }, async () => {
  const { node } = await memoryNode()
  await node.submit(request([saveQuota('r')]), as('p'))
  for (const slice of largeSlices(15_000)) await node.submit(request([slice]), as('p'))
  await node.submit(request([{ op: 'mutateTasks', query: { role: 'r1' }, patch: { status: 'LOST' } }]), as('p'))
  const store = await emptyStore(node.log)
  const indexes = await indexesOf(store)
  const meanwhile: Promise<string>[] = []
  const limits = { events: 1, bytes: 1 }
  await replayUnread(node.log, store, {
    ...{ limits, upTo: node.tailLsn },
    onRun: () => void meanwhile.push(indexesOf(store)),
  })
  const has = (await Promise.all(meanwhile)).map((each) => each === indexes)
  expect(has).toEqual([true, false, false, false])
  expect(await indexesOf(store)).toBe(indexes)
  expect((await stateOf(store)).digest).toBe((await node.digest()).digest)
  await store.engine.kill()
})

/** A log of quotas that gives its entries in pages of ten, and hears when one is asked for. */
async function pagedLog(entries: number, onPage: (number: number) => void): Promise<Log> {
  // Without the event that a log of today begins with, so that there is one to an entry.
  const { node, table, storeId } = await memoryNode({ newLogFormat: 1 })
  for (let index = 0; index < entries; index++) await node.submit(request([saveQuota('www', index + 1)]), as('p'))
  const { log, events } = await memoryLog(table, storeId)
  const read = events.read.bind(events)
  events.read = async (after) => {
    onPage(after / 10)
    return (await read(after)).slice(0, 10)
  }
  return log
}

test('the next run is read, decoded and folded while the engine applies one', async () => {
  const log = await pagedLog(60, () => undefined)
  const store = await emptyStore(log)
  const folded = new Map([10, 20, 30, 40, 50, 60].map((lsn) => [lsn, gate()]))
  const [rowsBefore, take] = [store.rowsBefore.bind(store), store.take.bind(store)]
  store.rowsBefore = (changes) => {
    folded.get(changes.lsn)!.open()
    return rowsBefore(changes)
  }
  store.take = async (steps) => {
    // This engine is not done with a run before the one after the next was folded; would that wait, nothing went on.
    await Promise.all([take(steps), folded.get(steps.at(-1)!.to.lsn + 20)?.opened])
  }
  await replay(log, store, { limits: { events: 10, bytes: 1024 * 1024 } })
  await store.engine.kill()
  expect(store.mark.lsn).toBe(60)
})

test('runs are bounded by events and by bytes, whatever the pages; an entry is never divided', async () => {
  const log = await pagedLog(45, () => undefined)
  const sizes = async (limits: { events: number; bytes: number }) => {
    const store = await emptyStore(log)
    const found: number[] = []
    await replay(log, store, { limits, onRun: ({ events }) => found.push(events) })
    await store.engine.kill()
    return found
  }
  expect(await sizes({ events: 4, bytes: 1_000_000 })).toEqual([4, 4, 2, 4, 4, 2, 4, 4, 2, 4, 4, 2, 4, 1])
  expect(await sizes({ events: 1_000, bytes: 1 })).toEqual(Array.from({ length: 45 }, () => 1))
})

test.each([true, false])(
  'an entry that is damaged stops a load at the last good run, in a store that is whole (in bulk: %s)',
  async (inBulk) => {
    const { node, table, storeId } = await memoryNode()
    for (let index = 0; index < 30; index++) {
      await node.submit(request([saveQuota('www', index + 1)]), as('p', `key-${index}`))
    }
    const item = table.slots.get(20)!
    table.slots.set(20, { ...item, body: item.body!.map((byte, index) => (index === 5 ? byte ^ 1 : byte)) })
    const { log, events } = await memoryLog(table, storeId)
    const read = events.read.bind(events)
    events.read = async (after) => (await read(after)).slice(0, 10)
    const store = await emptyStore(log)
    const limits = { events: 5, bytes: 1_000_000 }
    await expect(replayUnread(log, store, { limits, upTo: 100, inBulk })).rejects.toMatchObject({
      code: 'log_corrupt',
      lsn: 20,
    })
    // Of the page with the damage, what is before it.
    expect(store.mark.lsn).toBe(19)
    const [keys] = await store.run([{ sql: 'select count(*) from boreal.idempotency', params: [] }])
    expect(Number(keys!.rows[0]![0]!.toString())).toBe(19)
    await store.engine.kill()
  },
)

test('a start reports how far its replay has got: at once, every two seconds, at its end', async () => {
  const table = new MemoryTable()
  const { node, storeId } = await memoryNode({ table, newLogFormat: 1 })
  for (let index = 0; index < 100; index++) await node.submit(request([saveQuota('www', index + 1)]), as('p'))
  const { log, events } = await memoryLog(table, storeId)
  const runtime = new ManualRuntime()
  const read = events.read.bind(events)
  events.read = async (after) => {
    runtime.elapse({ wall: 1_000, monotonic: 1_000 })
    return (await read(after)).slice(0, 10)
  }
  const logged: [string, unknown][] = []
  const heard: ReplayProgress[] = []
  const reopened = await BorealNode.open({
    log,
    image: await testImage(),
    runtime,
    logger: { ...silentLogger, info: (message, fields) => logged.push([message, fields]) },
    onProgress: (progress) => heard.push(progress),
    readers: 0,
    boot: PgliteEngine.bootImage,
  })
  await reopened.close()
  expect(logged).toEqual(
    heard.map((each, index) => [index === heard.length - 1 ? 'replayed the log' : 'replaying the log', each]),
  )
  expect(heard[0]).toMatchObject({ lsn: 0, targetLsn: 100, events: 0, etaMs: undefined })
  expect(heard.length).toBeGreaterThanOrEqual(4)
  expect(heard.length).toBeLessThanOrEqual(6)
  const middle = heard[2]!
  expect(middle.lsn).toBeGreaterThan(0)
  expect(middle.lsn).toBeLessThan(100)
  expect(middle.eventsPerSecond).toBeGreaterThan(0)
  expect(middle.etaMs).toBeGreaterThan(0)
  expect(heard.at(-1)).toMatchObject({ lsn: 100, targetLsn: 100, events: 100, etaMs: 0 })
})

test('readers of a node that has replayed much begin at an image of its store, and follow from there', async () => {
  const { node, table, storeId } = await memoryNode()
  for (let index = 0; index < 120; index++)
    await node.submit(request([saveQuota('www', index + 1)]), as('p', `k${index}`))
  let pages = 0
  const { log, events } = await memoryLog(table, storeId)
  const read = events.read.bind(events)
  events.read = async (after) => {
    if (after < 100) pages++
    return read(after)
  }
  const options = { log, image: await testImage(), runtime: systemRuntime, logger: silentLogger, readers: 1 }
  const reopened = await BorealNode.open(options)
  try {
    expect(pages).toBe(1)
    expect(await reopened.digest()).toEqual(await node.digest())
    await reopened.submit(request([saveQuota('other')]), as('p'))
    expect((await reopened.read([], { level: 'consistent' })).lsn).toBe(121)
    expect((await reopened.digest()).digest).toBe((await node.digest()).digest)
  } finally {
    await reopened.close()
  }
})

test('where a log ends is found by a few looks', async () => {
  for (const entries of [0, 1, 2, 3, 7, 20]) {
    const { node } = await memoryNode()
    for (let index = 0; index < entries; index++) await node.submit(request([saveQuota('www')]), as('p'))
    expect(await node.log.findEnd(0)).toBe(entries)
    if (entries > 2) expect(await node.log.findEnd(2)).toBe(entries)
  }
})
