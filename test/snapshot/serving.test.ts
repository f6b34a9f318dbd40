import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { type NodeFlags, nodeConfig } from '../../lib/node/config.ts'
import { startNode } from '../../lib/node/start-node.ts'
import { withStore } from '../../lib/node/with-store.ts'
import { snapshotAge } from '../../lib/snapshot/age.ts'
import { memoryNode } from '../support/memory-node.ts'
import { task } from '../support/records.ts'
import { RecordingLogger } from '../support/snapshots.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A running node takes snapshots beside its work: threads, the embedded table and folders are real. */

const MINUTE = 60_000

const NEVER = new AbortController().signal

async function start(flags: NodeFlags) {
  const logger = new RecordingLogger()
  const config = nodeConfig({ readers: '1', sync: false, ...flags }, {})
  const { node, close } = await startNode(config, { runtime: systemRuntime, logger })
  let closed: Promise<void> | undefined
  const end = () => {
    closed ??= close()
    return closed
  }
  onTestFinished(end)
  return { node, logger, close: end }
}

const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })

test('writes and reads are served while a snapshot is taken, and the node restarts from it', {
  timeout: 3 * MINUTE,
}, async () => {
  const data = await temporaryFolder()
  const { node, logger, close } = await start({ data })
  for (let index = 0; index < 50; index++) await node.submit(save(`before-${index}`), { principal: 'p' })
  let taking = true
  const taken = node.snapshots.take().finally(() => (taking = false))
  let during = 0
  let slowest = 0
  while (taking) {
    const startedAt = performance.now()
    await node.submit(save(`during-${during}`), { principal: 'p' })
    await node.read([], { level: 'consistent' })
    slowest = Math.max(slowest, performance.now() - startedAt)
    during++
    await delay(2)
  }
  const { lsn, made } = await taken
  expect(made).toBe(true)
  expect(lsn).toBeGreaterThanOrEqual(50)
  // Nothing that serves waits for a snapshot: it takes seconds, a write some milliseconds.
  expect(during).toBeGreaterThan(20)
  expect(node.tailLsn).toBe(50 + during)
  const [snapshot] = await node.snapshots.list(10)
  expect(snapshot!.state).toBe('verified')
  // It was taken by somebody who follows the log by himself: the thread.
  expect(snapshot!.manifest!.takenBy).not.toBe(node.log.writer)
  expect(logger.with('took a snapshot')).toHaveLength(1)
  const state = await node.digest()
  await close()

  const again = await start({ data })
  expect(await again.node.digest()).toEqual(state)
  // One image for the writer's store and the reader.
  expect(again.logger.with('restoring a snapshot')).toMatchObject([{ lsn }])
})

test('by itself when there is enough that is new, and not when there is not', { timeout: 2 * MINUTE }, async () => {
  const taken: number[] = []
  const { node } = await memoryNode({
    snapshots: { intervalMs: 10, minEntries: 5 },
    runJob: async () => {
      taken.push(node.tailLsn)
      return { made: true, snapshotId: 'id', lsn: node.tailLsn } as never
    },
  })
  for (let index = 0; index < 4; index++) await node.submit(save(`t-${index}`), { principal: 'p' })
  await delay(500)
  expect(taken).toEqual([])
  await node.submit(save('t-4'), { principal: 'p' })
  await vi.waitFor(() => expect(taken[0]).toBe(5), { timeout: MINUTE, interval: 20 })
})

test('the embedded node looks every ten minutes unless it is told otherwise, nodes on a table only when told', () => {
  const intervalOf = (flags: NodeFlags, env = {}) => nodeConfig(flags, env).snapshots.intervalMs
  expect(intervalOf({})).toBe(10 * MINUTE)
  expect(intervalOf({ settings: { snapshotMinutes: '0' } })).toBe(0)
  expect(intervalOf({ table: 't', bucket: 'b' })).toBe(0)
  expect(intervalOf({}, { BOREAL_TABLE: 't', BOREAL_BUCKET: 'b' })).toBe(0)
  expect(intervalOf({ table: 't', bucket: 'b' }, { BOREAL_SNAPSHOT_MINUTES: '5' })).toBe(5 * MINUTE)
})

test('the function takes one without a node', { timeout: 2 * MINUTE }, async () => {
  const data = await temporaryFolder()
  const { node, close } = await start({ data, readers: '0' })
  await node.submit(save('t'), { principal: 'p' })
  const state = await node.digest()
  await close()
  const context = { runtime: systemRuntime, logger: new RecordingLogger() }
  const config = nodeConfig({ data, sync: false }, {})
  const age = () => withStore(config, context, ({ log, objects }) => snapshotAge(log, objects))
  const snapshotOnce = () => withStore(config, context, ({ runJob }) => runJob('snapshot', {}, NEVER))
  expect(await age()).toBeGreaterThan(0)
  expect(await snapshotOnce()).toMatchObject({ made: true, lsn: 1 })
  expect(await age()).toBe(0)
  expect(await snapshotOnce()).toMatchObject({ made: false, lsn: 1 })
  const again = await start({ data })
  expect(await again.node.digest()).toEqual(state)
  expect(again.logger.with('restoring a snapshot')).toMatchObject([{ lsn: 1 }])
})

test('a node that stops ends the snapshot that it takes', { timeout: 2 * MINUTE }, async () => {
  const data = await temporaryFolder()
  const { node, close } = await start({ data, readers: '0' })
  await node.submit(save('t'), { principal: 'p' })
  const taken = node.snapshots.take()
  taken.catch(() => undefined)
  await delay(300)
  await close()
  await expect(taken).rejects.toMatchObject({ code: 'not_ready' })
  const again = await start({ data, readers: '0' })
  expect((await again.node.snapshots.list(10)).filter(({ state }) => state === 'verified')).toEqual([])
  expect(again.node.tailLsn).toBe(1)
})
