import { existsSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { nodeConfig } from '../../lib/node/config.ts'
import { restoreOnce } from '../../lib/node/restore-job.ts'
import { type StartedNode, startNode } from '../../lib/node/start-node.ts'
import { write } from '../support/clones.ts'
import { saveTask } from '../support/requests.ts'
import { RecordingLogger } from '../support/snapshots.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A data folder: one process has it, and others serve other stores of it; it may lose its table, or its objects. */

const MINUTE = 60_000

function starter(data: string) {
  const open = new Set<StartedNode>()
  onTestFinished(async () => {
    for (const started of [...open].reverse()) await started.close()
  })
  return async (name = 'main', context = {}) => {
    const config = nodeConfig({ data, readers: '0', sync: false, name, settings: { snapshotMinutes: '0' } }, {})
    const started = await startNode(config, { runtime: systemRuntime, logger: new RecordingLogger(), ...context })
    open.add(started)
    const close = async () => {
      open.delete(started)
      await started.close()
    }
    return { ...started, close }
  }
}

test('a clone is served beside its parent by another node on the folder; the same store is not', {
  timeout: 3 * MINUTE,
}, async () => {
  const data = await temporaryFolder()
  const start = starter(data)
  const main = await start()
  expect(main.guest).toBe(false)
  await write(main.node, [saveTask('t')])
  await expect(start()).rejects.toMatchObject({ code: 'not_ready', message: /in use by another process/ })
  await expect(start('tset')).rejects.toMatchObject({ code: 'not_found', message: /boreal clone create/ })
  await main.node.clones.create({ name: 'test' })
  const guest = await start('test')
  expect([guest.guest, guest.node.tailLsn]).toEqual([true, 1])
  // The thread that takes snapshots finds the clone's log, too.
  expect(await write(guest.node, [saveTask('of the clone')])).toBe(2)
  expect(await guest.node.snapshots.take()).toMatchObject({ made: true, lsn: 2 })
  await guest.close()
  await main.close()
  // Alone it has the folder itself, and the parent is the guest.
  const alone = await start('test')
  expect([alone.guest, alone.node.tailLsn]).toEqual([false, 2])
  const parent = await start()
  expect([parent.guest, await write(parent.node, [saveTask('of the parent')])]).toEqual([true, 2])
})

test('an announcement that is not that of the process that has the folder is not believed', {
  timeout: MINUTE,
}, async () => {
  const [data, elsewhere] = [await temporaryFolder(), await temporaryFolder()]
  const start = starter(data)
  await start()
  const other = await starter(elsewhere)()
  await other.node.clones.create({ name: 'test' })
  const theirs = JSON.parse(await readFile(join(elsewhere, 'table.json'), 'utf8'))
  const ours = JSON.parse(await readFile(join(data, 'table.json'), 'utf8'))
  // The port of the process before is somebody else's by now.
  await writeFile(join(data, 'table.json'), JSON.stringify({ ...ours, endpoint: theirs.endpoint }))
  await expect(start('test')).rejects.toMatchObject({ code: 'not_ready', message: /in use by another process/ })
  await writeFile(join(data, 'table.json'), 'no JSON')
  await expect(start('test')).rejects.toMatchObject({ code: 'not_ready', message: /in use by another process/ })
})

test('a folder without its table is restored, and one without its objects starts from a log that is whole', {
  timeout: 3 * MINUTE,
}, async () => {
  const data = await temporaryFolder()
  const start = starter(data)
  const before = await start()
  await write(before.node, [saveTask('t')], 'key')
  await before.node.snapshots.take()
  const state = await before.node.digest()
  const { storeId } = before.node
  await before.close()

  await rm(join(data, 'table'), { recursive: true })
  await expect(start()).rejects.toMatchObject({
    code: 'not_ready',
    message: /boreal restore --from newest --name main/,
  })
  const { storage, name } = nodeConfig({ data, sync: false }, {})
  const job = { storage, name, from: 'newest', storeId: undefined }
  const context = { runtime: systemRuntime, logger: new RecordingLogger() }
  const dry = await restoreOnce(job, { ...context, confirm: false })
  expect(dry).toMatchObject({ plan: { lostId: storeId, log: 'gone' }, restored: undefined })
  await expect(start()).rejects.toMatchObject({ code: 'not_ready' })
  expect(await restoreOnce(job, { ...context, confirm: true })).toMatchObject({ restored: { lsn: 1 } })
  const restored = await start()
  expect(restored.node.storeId).not.toBe(storeId)
  expect(await restored.node.digest()).toEqual(state)
  await write(restored.node, [saveTask('t-2')])
  await restored.close()

  // Its log begins behind the snapshot: without one nothing can start, and that is said.
  await rm(join(data, 'objects'), { recursive: true })
  await expect(start()).rejects.toMatchObject({
    code: 'not_ready',
    message: /begins at LSN 1.*hold no snapshot of it/s,
  })
  const whole = await temporaryFolder()
  const first = await starter(whole)()
  await write(first.node, [saveTask('t')])
  await first.node.snapshots.take()
  const all = await first.node.digest()
  await first.close()
  await rm(join(whole, 'objects'), { recursive: true })
  expect(await (await starter(whole)()).node.digest()).toEqual(all)
})

test('a restore from a folder that is not there says so, and makes none', async () => {
  const data = join(await temporaryFolder(), 'mistyped')
  const { storage, name } = nodeConfig({ data }, {})
  const job = { storage, name, from: 'newest', storeId: undefined }
  const context = { runtime: systemRuntime, logger: new RecordingLogger(), confirm: true }
  await expect(restoreOnce(job, context)).rejects.toMatchObject({ code: 'not_found', message: /there is no folder/ })
  expect(existsSync(data)).toBe(false)
})
