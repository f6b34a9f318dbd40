import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { nodeConfig } from '../../lib/node/config.ts'
import { type StartedNode, startNode } from '../../lib/node/start-node.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { memoryNode } from '../support/memory-node.ts'
import { listed, RecordingLogger, snapshotContext, temporaryObjects } from '../support/snapshots.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A node serves neither another store's state nor an empty one in the place of one that was lost. */

const MINUTE = 60_000
const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveFrameworkId', id }] })

test("another store's snapshot among ours is never believed", { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node: theirs, ...other } = await memoryNode({ storeId: 'other' })
  await theirs.submit(save('theirs'), { principal: 'p' })
  await takeSnapshot(await snapshotContext(other, objects))
  const { node, ...store } = await memoryNode({ storeId: 'ours' })
  await node.submit(save('ours'), { principal: 'p' })
  for (const { key } of (await objects.list('other/')).objects) {
    await objects.put(key.replace('other', 'ours'), await objects.get(key))
  }
  const logger = new RecordingLogger()
  const restarted = (await memoryNode({ ...store, objects, logger })).node
  expect(await restarted.digest()).toEqual(await node.digest())
  expect((await listed(objects, 'ours'))[0]).toMatchObject({ state: 'damaged' })
  expect(String(logger.with('a snapshot is passed over')[0]!.reason)).toContain('is of another store, other')
})

test('a snapshot whose last entry is not the one that the log has is passed over', {
  timeout: 2 * MINUTE,
}, async () => {
  const objects = await temporaryObjects()
  const { node: before, ...store } = await memoryNode()
  await before.submit(save('a'), { principal: 'p' })
  await takeSnapshot(await snapshotContext(store, objects))
  // A log of the same store that went another way.
  const { node, ...other } = await memoryNode({ storeId: store.storeId, table: new MemoryTable() })
  await node.submit(save('b'), { principal: 'p' })
  const logger = new RecordingLogger()
  const restarted = (await memoryNode({ ...other, objects, logger })).node
  expect(await restarted.digest()).toEqual(await node.digest())
  expect(logger.with('a snapshot is passed over')).toMatchObject([{ reason: 'the log has another entry at its LSN' }])
})

test('a log that ends before a verified snapshot is not served', { timeout: 2 * MINUTE }, async () => {
  const objects = await temporaryObjects()
  const { node, ...store } = await memoryNode()
  await node.submit(save('a'), { principal: 'p' })
  await takeSnapshot(await snapshotContext(store, objects))
  const emptied = { storeId: store.storeId, table: new MemoryTable(), objects }
  await expect(memoryNode(emptied)).rejects.toMatchObject({ code: 'log_corrupt', message: /ends before LSN 1/ })
})

test('a table that is gone is not taken for a new one', { timeout: 2 * MINUTE }, async () => {
  const data = await temporaryFolder()
  const open = new Set<StartedNode>()
  const close = async (started: StartedNode) => {
    open.delete(started)
    await started.close()
  }
  onTestFinished(() => Promise.all([...open].map(close)).then(() => undefined))
  const start = async (flags: { newStore?: boolean } = {}) => {
    const config = nodeConfig({ data, readers: '0', sync: false, ...flags }, {})
    const started = await startNode(config, { runtime: systemRuntime, logger: silentLogger })
    open.add(started)
    return { node: started.node, close: () => close(started) }
  }
  const first = await start()
  await first.node.submit(save('a'), { principal: 'p' })
  const { storeId } = first.node
  expect(await first.node.snapshots.take()).toMatchObject({ made: true, lsn: 1 })
  await first.close()

  const again = await start()
  expect(again.node.storeId).toBe(storeId)
  await again.close()

  await rm(join(data, 'table'), { recursive: true })
  await expect(start()).rejects.toMatchObject({ code: 'not_ready', message: new RegExp(storeId) })
  const fresh = await start({ newStore: true })
  expect(fresh.node.storeId).not.toBe(storeId)
  expect(fresh.node.tailLsn).toBe(0)
})
