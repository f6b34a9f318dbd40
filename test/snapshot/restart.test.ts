import fc from 'fast-check'
import { expect, test } from 'vitest'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import type { StoreImage } from '../../lib/store/image-parts.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { quota, task } from '../support/records.ts'
import { listed, RecordingLogger, snapshotContext, submitAll, temporaryObjects } from '../support/snapshots.ts'

/** A store that restarts from a snapshot is the one that only ever replayed the log. */

const MINUTE = 60_000

test('a restart from a snapshot gives what replaying the whole log gives, wherever the snapshot was taken', {
  timeout: 5 * MINUTE,
}, async () => {
  const seed = Number(process.env.SEED ?? 6)
  const pieces = fc.sample(fc.array(randomTransaction, { minLength: 10, maxLength: 90 }), { numRuns: 4, seed })
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  const context = await snapshotContext(store, objects)
  for (const requests of pieces) {
    await submitAll(node, requests)
    const before = await listed(objects, store.storeId)

    const logger = new RecordingLogger()
    const restarted = await memoryNode({ ...store, objects, logger })
    expect(await restarted.node.digest()).toEqual(await node.digest())
    const used = logger.with('restoring a snapshot').map(({ lsn }) => lsn)
    expect(used).toEqual(before.length === 0 ? [] : [before[0]!.lsn])
    expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([])

    const outcome = await takeSnapshot(context)
    expect(outcome).toMatchObject({ made: true, lsn: node.tailLsn })
  }
  const all = await listed(objects, store.storeId)
  expect(all.map(({ state }) => state)).toEqual(all.map(() => 'verified'))
  expect(all).toHaveLength(4)
  // The newest one was made from the one before, that from the one before it: errors would add up.
  expect(all[0]!.manifest!.digest).toBe((await node.digest()).digest)
})

test('a node that restarted from a snapshot takes writes, and readers follow', { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })
  await node.submit(save('t-1'), { principal: 'p' })
  await takeSnapshot(await snapshotContext(store, objects))
  await node.submit(save('t-2'), { principal: 'p' })
  const restarted = (await memoryNode({ ...store, objects, readers: 1 })).node
  await restarted.submit(save('t-3'), { principal: 'p' })
  const count = { sql: 'select count(*)::int from task', params: [] }
  const { lsn, result } = await restarted.query(count, 1, { level: 'consistent' })
  expect([lsn, Buffer.from(result.rows[0]![0]!).toString()]).toEqual([3, '3'])
  expect(await restarted.digest()).toEqual(await node.digest())

  // A reader that is ended is replaced from the snapshot, too, and not from the whole log; also when nothing has come since.
  await takeSnapshot(await snapshotContext(store, objects))
  const logger = new RecordingLogger()
  const third = (await memoryNode({ ...store, objects, readers: 1, logger, queryTimeoutMs: 200 })).node
  const endless = { sql: 'select count(*) from generate_series(1, 1000000000000)', params: [] }
  await expect(third.query(endless, 1, { level: 'weak' })).rejects.toMatchObject({ code: 'deadline_exceeded' })
  expect((await third.query(count, 1, { level: 'consistent' })).lsn).toBe(3)
  expect(await third.digest()).toEqual(await node.digest())
  expect(logger.with('restoring a snapshot')).toHaveLength(2)
})

test('a store that has to be built anew starts from the snapshot, and no step is missing', {
  timeout: 2 * MINUTE,
}, async () => {
  const objects = await temporaryObjects()
  const logger = new RecordingLogger()
  let engine: PgliteEngine | undefined
  const boot = async (image: StoreImage) => {
    engine = await PgliteEngine.bootImage(image)
    return engine
  }
  const { node, ...store } = await memoryNode({ objects, logger, boot, readers: 1 })
  const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })
  await node.submit(save('t-1'), { principal: 'p' })
  await takeSnapshot(await snapshotContext(store, objects))
  store.events.onPut = async (_item, put) => {
    store.events.onPut = undefined
    const outcome = await put()
    await engine!.kill()
    return outcome
  }
  expect((await node.submit(save('t-2'), { principal: 'p' })).lsn).toBe(2)
  expect((await node.submit(save('t-3'), { principal: 'p' })).lsn).toBe(3)
  expect(logger.with('restoring a snapshot')).toMatchObject([{ lsn: 1 }])
  const full = (await memoryNode(store)).node
  expect(await node.digest()).toEqual(await full.digest())
})

test('idempotency keys survive a restart from a snapshot', { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  const request = (cpus: number) =>
    transactionRequest.parse({ operations: [{ op: 'saveQuota', role: 'www', quota: quota(cpus) }] })
  const options = { principal: 'p', key: 'my-key' }
  const answer = await node.submit(request(1), options)
  await takeSnapshot(await snapshotContext(store, objects))
  await node.submit(request(2), { principal: 'p' })

  const restarted = (await memoryNode({ ...store, objects })).node
  expect(await restarted.submit(request(1), options)).toEqual(answer)
  await expect(restarted.submit(request(3), options)).rejects.toMatchObject({ code: 'idempotency_key_reused' })
  expect(await restarted.digest()).toEqual(await node.digest())
})

test('a log that was trimmed below a snapshot is enough to restart', { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })
  for (const id of ['t-1', 't-2']) await node.submit(save(id), { principal: 'p' })
  await takeSnapshot(await snapshotContext(store, objects))
  await node.submit(save('t-3'), { principal: 'p' })
  const state = await node.digest()
  store.table.head = { trimmedTo: 2 }
  for (const lsn of [0, 1, 2]) store.table.slots.delete(lsn)
  const trimmed = (await memoryNode({ ...store, objects, readers: 1 })).node
  expect(await trimmed.digest()).toEqual(state)
  // And without the snapshot it says what is missing.
  await expect(memoryNode(store)).rejects.toMatchObject({ code: 'not_ready', message: /trimmed/ })
})

test('nothing new is said, not done again', { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  const context = await snapshotContext(store, objects)
  expect(await takeSnapshot(context)).toMatchObject({ made: false, reason: 'the log has no entries yet' })
  await node.submit(transactionRequest.parse({ operations: [{ op: 'saveFrameworkId', id: 'f' }] }), { principal: 'p' })
  const { snapshotId } = await takeSnapshot(context)
  expect(await takeSnapshot(context)).toMatchObject({ made: false, snapshotId, lsn: 1 })
  expect(await listed(objects, store.storeId)).toHaveLength(1)
})

test('a snapshot is compared with what a node serves at its LSN, and not verified when they differ', {
  timeout: 2 * MINUTE,
}, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  const context = await snapshotContext(store, objects)
  await node.submit(transactionRequest.parse({ operations: [{ op: 'saveFrameworkId', id: 'f' }] }), { principal: 'p' })
  const peer = await node.digest()
  await node.submit(transactionRequest.parse({ operations: [{ op: 'saveFrameworkId', id: 'g' }] }), { principal: 'p' })
  // The peer's LSN decides: the log has gone on.
  expect(await takeSnapshot(context, { peer })).toMatchObject({ made: true, lsn: 1 })
  const wrong = { lsn: 2, digest: peer.digest }
  await expect(takeSnapshot(context, { peer: wrong })).rejects.toMatchObject({ code: 'snapshot_corrupt' })
  const found = await listed(objects, store.storeId)
  expect(found.map(({ lsn, state }) => [lsn, state])).toEqual([
    [2, 'complete'],
    [1, 'verified'],
  ])
  expect(found[1]!.verification!.by).toBe('peer')
  // The right answer verifies the one that is there, instead of writing another one.
  expect(await takeSnapshot(context, { peer: await node.digest() })).toMatchObject({ snapshotId: found[0]!.id })
  expect((await listed(objects, store.storeId)).map(({ state }) => state)).toEqual(['verified', 'verified'])
})

test('an image is stored deflated when asked for, and restored all the same', { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  await node.submit(transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task('t')] }] }), {
    principal: 'p',
  })
  await takeSnapshot(await snapshotContext(store, objects, { codec: 'deflate' }))
  const [snapshot] = await listed(objects, store.storeId)
  expect(snapshot!.manifest!.image.storedBytes).toBeLessThan(snapshot!.manifest!.image.bytes / 4)
  const logger = new RecordingLogger()
  const restarted = (await memoryNode({ ...store, objects, logger })).node
  expect(await restarted.digest()).toEqual(await node.digest())
  expect(logger.with('restoring a snapshot')).toHaveLength(1)
})
