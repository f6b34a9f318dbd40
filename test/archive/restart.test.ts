import { expect, test } from 'vitest'
import { archive } from '../../lib/archive/archive.ts'
import { trim } from '../../lib/archive/trim.ts'
import { DAY_MS, TRIM_SETTINGS } from '../../lib/archive/trim-settings.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { listedBackups } from '../support/backups.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { quota, task } from '../support/records.ts'
import { listed, RecordingLogger, temporaryObjects, trimContext, withFlippedBit } from '../support/snapshots.ts'

/** Nodes on a log of which most was trimmed. */

const MINUTE = 60_000

const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })

async function trimmedStore() {
  const objects = await temporaryObjects()
  const runtime = new ManualRuntime()
  const { node, ...store } = await memoryNode({ objects, runtime, pollMs: 0 })
  const context = () => trimContext(store, objects, { runtime })
  const pass = (ms: number) => runtime.elapse({ wall: ms, monotonic: ms })
  const settings = { ...TRIM_SETTINGS, retentionMs: 100 * DAY_MS }
  /** Snapshot, archive, and everything below trimmed; freed, too. */
  const trimAll = async () => {
    await takeSnapshot(await context())
    await archive(await context())
    pass(2 * DAY_MS)
    await trim(await context(), { settings })
    pass(36 * DAY_MS)
    return trim(await context(), { settings })
  }
  const open = (options = {}) => memoryNode({ ...store, objects, runtime, pollMs: 0, ...options })
  return { node, objects, store, runtime, context, pass, trimAll, open }
}

test('a node restarts from snapshot, archive and log; from the archive alone when no snapshot is usable', {
  timeout: 3 * MINUTE,
}, async () => {
  const { node, objects, store, trimAll, open } = await trimmedStore()
  for (let index = 0; index < 5; index++) await node.submit(save(`t-${index}`), { principal: 'p' })
  await trimAll()
  for (let index = 5; index < 10; index++) await node.submit(save(`t-${index}`), { principal: 'p' })
  const [older] = await listed(objects, store.storeId)
  await trimAll()
  await node.submit(save('t-10'), { principal: 'p' })
  expect([...store.table.slots.keys()]).toEqual([10, 11])
  const state = await node.digest()
  expect(await (await open()).node.digest()).toEqual(state)
  const [newest] = await listed(objects, store.storeId)
  // From the older one: what is behind it was freed, and is in the archive.
  await objects.put(`${store.storeId}/snapshots/${newest!.id}/image/00000`, Buffer.from('damaged'))
  expect(await (await open()).node.digest()).toEqual(state)
  await objects.put(`${store.storeId}/snapshots/${older!.id}/image/00000`, Buffer.from('damaged'))
  const { node: last } = await open()
  expect(await last.digest()).toEqual(state)
  expect((await last.log.entry(3))!.lsn).toBe(3)
  expect((await last.log.page(0, 100))[0]!.lsn).toBe(1)
})

test('every link of the chain, each with its reason: image, older image, backup, its dump, the archive', {
  timeout: 5 * MINUTE,
}, async () => {
  const { node, objects, store, context, trimAll, open } = await trimmedStore()
  const places = await temporaryObjects()
  await node.submit(save('t-1'), { principal: 'p' })
  await trimAll()
  await node.submit(save('t-2'), { principal: 'p' })
  await takeBackup({ ...(await context()), backups: places })
  await trimAll()
  await node.submit(save('t-3'), { principal: 'p' })
  expect(store.table.slots.has(0)).toBe(false)
  const state = await node.digest()
  const [newest, older] = await listed(objects, store.storeId)
  const [backup] = await listedBackups(places, store.storeId)
  const chain: [damaged: RegExp, next: string][] = [
    [/no such thing/, ''],
    [new RegExp(`snapshots/${newest!.id}/image`), `snapshot ${older!.id}`],
    [new RegExp(`snapshots/${older!.id}/image`), `backup ${backup!.id}`],
    [/backups\/.*image\//, `the dump of backup ${backup!.id}`],
    [/backups\/.*dump\//, 'the empty store'],
  ]
  for (const [index, [, next]] of chain.entries()) {
    const damaged = chain.slice(0, index + 1).map(([pattern]) => pattern)
    const read = (key: string, bytes: Uint8Array) =>
      damaged.some((pattern) => pattern.test(key)) ? withFlippedBit(bytes, 99) : bytes
    objects.fault = { read }
    places.fault = { read }
    const logger = new RecordingLogger()
    const { node: restarted } = await open({ backups: places, logger })
    expect(await restarted.digest(), next).toEqual(state)
    expect(logger.with('trying the next image').at(-1)?.image ?? '').toBe(next)
    // What was passed over says why.
    const reasons = [
      ...logger.with('a store could not be booted'),
      ...logger.with('the dump of a backup is passed over'),
    ]
    expect(reasons.map(({ error, reason }) => error ?? reason)).toEqual(
      Array.from({ length: index }, () => expect.stringMatching(/damaged|checksum/)),
    )
    await restarted.close()
  }
})

test('the retry of a key whose entry was freed gets the first answer and runs nothing', {
  timeout: 2 * MINUTE,
}, async () => {
  const { node, store, context, pass, open } = await trimmedStore()
  const request = transactionRequest.parse({ operations: [{ op: 'saveQuota', role: 'www', quota: quota(1) }] })
  const options = { principal: 'p', key: 'my-key' }
  const answer = await node.submit(request, options)
  await node.submit(save('t-1'), { principal: 'p' })
  await takeSnapshot(await context())
  await archive(await context())
  // Keys are remembered for a day at most: so this one is, of an entry that was trimmed early.
  const settings = { ...TRIM_SETTINGS, tableMs: 0, tombstoneMs: 0 }
  pass(1_000)
  await trim(await context(), { settings })
  pass(1_000)
  await trim(await context(), { settings })
  expect([...store.table.slots.keys()]).toEqual([2])
  const restarted = (await open()).node
  expect(await restarted.submit(request, options)).toEqual(answer)
  expect(restarted.tailLsn).toBe(2)
})

test('a replica that thaws after a trim serves no stale consistent read, and goes on by the archive', {
  timeout: 2 * MINUTE,
}, async () => {
  const { node, store, trimAll, open } = await trimmedStore()
  await node.submit(save('t-0'), { principal: 'p' })
  const { node: sleeper } = await open()
  for (let index = 1; index < 6; index++) await node.submit(save(`t-${index}`), { principal: 'p' })
  await trimAll()
  expect(store.table.slots.has(5)).toBe(false)
  const state = await node.digest()
  expect(await sleeper.digest()).toEqual(state)
  await sleeper.submit(save('t-6'), { principal: 'p' })
  expect(sleeper.tailLsn).toBe(7)
  expect(await node.digest()).toEqual(await sleeper.digest())
})

test('a node that writes after it thawed takes nothing for written that is not', { timeout: 2 * MINUTE }, async () => {
  const { node, trimAll, open } = await trimmedStore()
  await node.submit(save('t-0'), { principal: 'p' })
  const { node: sleeper } = await open()
  for (let index = 1; index < 6; index++) await node.submit(save(`t-${index}`), { principal: 'p' })
  await trimAll()
  // The task is there already, only it has not heard of it.
  const absent = [{ entity: 'task' as const, key: 't-3', absent: true as const }]
  const request = transactionRequest.parse({
    preconditions: absent,
    operations: [{ op: 'saveTasks', tasks: [task('t-3')] }],
  })
  await expect(sleeper.submit(request, { principal: 'p' })).rejects.toMatchObject({ code: 'precondition_failed' })
  const { lsn } = await sleeper.submit(save('t-7'), { principal: 'p' })
  expect(lsn).toBe(7)
  expect(await node.digest()).toEqual(await sleeper.digest())
})
