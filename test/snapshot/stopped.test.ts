import { expect, test } from 'vitest'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { memoryNode } from '../support/memory-node.ts'
import { task } from '../support/records.ts'
import { listed, RecordingLogger, snapshotContext, temporaryObjects } from '../support/snapshots.ts'

/** Wherever who takes a snapshot is stopped, nothing is left that a restart could take for one. */

const MINUTE = 60_000

const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })

/** The process ended here: nothing it asks for happens any more. */
class Killed extends Error {}

test('stopped at any request, before or after it is done, it leaves no snapshot, and the next run completes', {
  timeout: 10 * MINUTE,
}, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  await node.submit(save('t-0'), { principal: 'p' })
  await takeSnapshot(await snapshotContext(store, objects))
  await node.submit(save('t-1'), { principal: 'p' })
  const { digest } = await node.digest()

  let writes = 0
  for (let last = 0, done = false; !done; last++) {
    let requests = 0
    let dead = false
    objects.fault = {
      before: () => {
        if (dead) throw new Killed()
      },
      after: (operation) => {
        if (operation === 'put') writes++
        // The answer of this one, and everything behind it, is lost.
        if (requests++ === last) {
          dead = true
          throw new Killed()
        }
      },
    }
    const run = takeSnapshot(await snapshotContext(store, objects))
    const outcome = await run.then(
      (taken) => taken,
      (error: unknown) => error,
    )
    objects.fault = {}
    done = !(outcome instanceof Error)
    const found = await listed(objects, store.storeId)
    const verified = found.filter(({ state }) => state === 'verified')
    // It is one when the verification was written, although nobody heard of it, and not before.
    const wasWritten = verified.some(({ lsn }) => lsn === 2)
    expect(found.every(({ state }) => state !== 'damaged')).toBe(true)
    const logger = new RecordingLogger()
    const restarted = await memoryNode({ ...store, objects, logger })
    expect(await restarted.node.digest()).toEqual({ lsn: 2, digest })
    await restarted.node.close()
    expect(logger.with('restoring a snapshot')).toMatchObject([{ lsn: wasWritten ? 2 : 1 }])
    if (wasWritten) break
  }
  expect(writes).toBeGreaterThan(3)
  expect(await takeSnapshot(await snapshotContext(store, objects))).toMatchObject({ made: false, lsn: 2 })
})

test('what was written and not verified is verified by the next run, not written again', {
  timeout: 2 * MINUTE,
}, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  await node.submit(save('t-0'), { principal: 'p' })
  objects.fault = {
    before: (operation, key) => {
      if (operation === 'put' && key.endsWith('verified.json')) throw new Killed()
    },
  }
  await expect(takeSnapshot(await snapshotContext(store, objects))).rejects.toThrow(Killed)
  objects.fault = {}
  const [before] = await listed(objects, store.storeId)
  expect(before).toMatchObject({ state: 'complete' })
  expect(await takeSnapshot(await snapshotContext(store, objects))).toMatchObject({
    made: true,
    snapshotId: before!.id,
  })
  expect(await listed(objects, store.storeId)).toMatchObject([{ state: 'verified', id: before!.id }])
})

test('two at once, and a writer beside them, do each other no harm', { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  for (let index = 0; index < 5; index++) await node.submit(save(`t-${index}`), { principal: 'p' })
  const contexts = await Promise.all([snapshotContext(store, objects), snapshotContext(store, objects)])
  const runs = contexts.map((context) => takeSnapshot(context))
  for (let index = 5; index < 10; index++) await node.submit(save(`t-${index}`), { principal: 'p' })
  for (const outcome of await Promise.all(runs)) expect(outcome.snapshotId).toBeTypeOf('string')
  const found = await listed(objects, store.storeId)
  expect(found.length).toBeGreaterThan(0)
  expect(found.filter(({ state }) => state !== 'verified')).toEqual([])
  const restarted = (await memoryNode({ ...store, objects })).node
  expect(await restarted.digest()).toEqual(await node.digest())
})
