import { expect, test } from 'vitest'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { retainSnapshots } from '../../lib/snapshot/retention.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { type FaultyObjects, listed, snapshotContext, temporaryObjects } from '../support/snapshots.ts'

/** What is no longer needed is marked, and deleted when it still is not needed an hour later. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE

const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveFrameworkId', id }] })

/** A store with snapshots at LSN 1 to `count`, and a clock. */
async function storeWithSnapshots(count: number) {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  const runtime = new ManualRuntime()
  const context = await snapshotContext(store, objects, { runtime })
  const takeNext = async () => {
    await node.submit(save(`f-${node.tailLsn}`), { principal: 'p' })
    await takeSnapshot(context)
  }
  for (let index = 0; index < count; index++) await takeNext()
  const pass = (wall: number) => runtime.elapse({ wall, monotonic: wall })
  return { objects, node, store, context, takeNext, pass }
}

const lsns = async (objects: FaultyObjects, storeId: string) => (await listed(objects, storeId)).map(({ lsn }) => lsn)

test('the newest are kept, the others go after the grace', { timeout: 2 * MINUTE }, async () => {
  const { objects, node, store, context, pass } = await storeWithSnapshots(4)
  const [, , third] = await listed(objects, store.storeId)
  // What was never finished goes with those it lies between.
  await objects.put(
    `${store.storeId}/snapshots/0000000000000001-01ARZ3NDEKTSV4RRFFQ69G5FAV/image/00000`,
    Buffer.from('x'),
  )
  const settings = { keep: 2, graceMs: HOUR }
  expect((await retainSnapshots(context, settings)).marked).toHaveLength(3)
  pass(HOUR - MINUTE)
  expect(await retainSnapshots(context, settings)).toEqual({ marked: [], deleted: [] })
  expect(await lsns(objects, store.storeId)).toEqual([4, 3, 2, 1, 1])
  pass(2 * MINUTE)
  expect((await retainSnapshots(context, settings)).deleted).toHaveLength(3)
  expect(await lsns(objects, store.storeId)).toEqual([4, 3])
  expect((await objects.list(`${store.storeId}/snapshots/${third!.id}`)).objects).toEqual([])
  const restarted = (await memoryNode({ ...store, objects })).node
  expect(await restarted.digest()).toEqual(await node.digest())
})

test('what is needed again by then stays', { timeout: 2 * MINUTE }, async () => {
  const { objects, store, context, pass } = await storeWithSnapshots(3)
  const settings = { keep: 2, graceMs: HOUR }
  expect((await retainSnapshots(context, settings)).marked).toHaveLength(1)
  // The newest one loses a part: now the marked one is among the two that are left.
  const [newest] = await listed(objects, store.storeId)
  await objects.delete(`${store.storeId}/snapshots/${newest!.id}/image/00000`)
  pass(2 * HOUR)
  expect(await retainSnapshots(context, settings)).toEqual({ marked: [], deleted: [] })
  const found = await listed(objects, store.storeId)
  expect(found.map(({ lsn, state, deletion }) => [lsn, state, deletion])).toEqual([
    [3, 'damaged', undefined],
    [2, 'verified', undefined],
    [1, 'verified', undefined],
  ])
})

test('of those that nobody could verify the newest are kept', { timeout: 2 * MINUTE }, async () => {
  const { objects, store, context, pass } = await storeWithSnapshots(1)
  const ulids = ['01ARZ3NDEKTSV4RRFFQ69G5FAA', '01ARZ3NDEKTSV4RRFFQ69G5FAB', '01ARZ3NDEKTSV4RRFFQ69G5FAC']
  for (const ulid of ulids) {
    await objects.put(`${store.storeId}/snapshots/0000000000000007-${ulid}/image/00000`, Buffer.from('x'))
  }
  const settings = { keep: 2, graceMs: HOUR }
  expect((await retainSnapshots(context, settings)).marked).toEqual([`0000000000000007-${ulids[0]}`])
  pass(2 * HOUR)
  expect((await retainSnapshots(context, settings)).deleted).toHaveLength(1)
  expect(await lsns(objects, store.storeId)).toEqual([7, 7, 1])
})

test('stopped in the middle of deleting, it leaves nothing that could be taken for a snapshot, and goes on later', {
  timeout: 2 * MINUTE,
}, async () => {
  const { objects, store, context, pass } = await storeWithSnapshots(3)
  const settings = { keep: 2, graceMs: HOUR }
  await retainSnapshots(context, settings)
  pass(2 * HOUR)
  for (let last = 0; ; last++) {
    let deletes = 0
    objects.fault = {
      before: (operation) => {
        if (operation === 'delete' && deletes++ === last) throw new Error('killed')
      },
    }
    const ended = await retainSnapshots(context, settings).then(
      () => true,
      () => false,
    )
    objects.fault = {}
    const found = await listed(objects, store.storeId)
    expect(found.slice(0, 2).map(({ lsn, state }) => [lsn, state])).toEqual([
      [3, 'verified'],
      [2, 'verified'],
    ])
    if (ended) break
    // Deleting had not begun, or it is no snapshot any more.
    if (found[2] !== undefined && last > 0) expect(['complete', 'unfinished']).toContain(found[2].state)
  }
  expect(await lsns(objects, store.storeId)).toEqual([3, 2])
})

test('once the log was trimmed nothing is deleted', { timeout: 2 * MINUTE }, async () => {
  const { store, context, pass } = await storeWithSnapshots(2)
  store.table.head = { trimmedTo: 1 }
  const settings = { keep: 1, graceMs: HOUR }
  expect(await retainSnapshots(context, settings)).toEqual({ marked: [], deleted: [] })
  pass(2 * HOUR)
  expect(await retainSnapshots(context, settings)).toEqual({ marked: [], deleted: [] })
})
