import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, describe, expect, test } from 'vitest'
import { takeBackup } from '../../lib/backup/take.ts'
import type { EntrySource } from '../../lib/clone/context.ts'
import { restoreStore } from '../../lib/clone/restore.ts'
import { planRestore, type RestoreRequest } from '../../lib/clone/restore-plan.ts'
import type { LogMark } from '../../lib/log/chain.ts'
import { bucketKey } from '../../lib/log/keys.ts'
import { partName, snapshotKey } from '../../lib/snapshot/names.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { StoresBed, write } from '../support/clones.ts'
import { startTable } from '../support/embedded-table.ts'
import { quota } from '../support/records.ts'
import { saveTask } from '../support/requests.ts'
import { listed, temporaryObjects, withFlippedBit } from '../support/snapshots.ts'
import { serveNode } from '../support/test-api.ts'

/** What can be restored of a store that was lost is, under a store id of its own. */

const { endpoint } = await startTable(afterAll)
const MINUTE = 60_000
const saveQuota = (cpus: number) => ({ op: 'saveQuota', role: 'www', quota: quota(cpus) })

/** A store with three entries, a snapshot after the second. */
async function lostStore() {
  const bed = await StoresBed.open(endpoint)
  const node = await bed.node('main', { pollMs: 60_000 })
  await write(node, [saveTask('t-1')], 'first')
  await write(node, [saveQuota(1)], 'second')
  const context = await bed.cloneContext()
  await takeSnapshot(context)
  const atSnapshot = await node.digest()
  await write(node, [saveTask('t-2')], 'third')
  return { bed, node, context, atSnapshot, state: await node.digest() }
}

async function restore(bed: StoresBed, request: Partial<RestoreRequest> = {}, archive?: EntrySource) {
  const context = await bed.storesContext()
  const plan = await planRestore(context, { name: 'main', from: 'newest', ...request })
  return { plan, restored: await restoreStore(context, plan, archive === undefined ? {} : { archive }) }
}

test('a table that is lost: the snapshot is what there is, keys included, under a new store id', {
  timeout: 2 * MINUTE,
}, async () => {
  const { bed, node, atSnapshot } = await lostStore()
  const empty = await StoresBed.open(endpoint)
  Object.assign(empty, { objects: bed.objects })
  const { plan, restored } = await restore(empty)
  expect(plan).toMatchObject({ lostId: node.storeId, registered: undefined, log: 'gone' })
  expect(restored).toMatchObject({ snapshotLsn: 2, lsn: 2, stoppedBy: undefined })
  const again = await empty.node()
  expect(again.storeId).toBe(restored.registration.storeId)
  expect(again.storeId).not.toBe(node.storeId)
  expect(await again.digest()).toEqual(atSnapshot)
  // The keys are known; the answers went with the log.
  const failure = { code: 'out_of_retention', message: expect.stringContaining('committed at 2.0') }
  await expect(write(again, [saveQuota(1)], 'second')).rejects.toMatchObject(failure)
  expect(await write(again, [saveTask('t-2')], 'third')).toBe(3)
  expect(await (await empty.node()).digest()).toEqual(await again.digest())
  expect((await listed(bed.objects, node.storeId)).map(({ state }) => state)).toEqual(['verified'])
})

test('a store whose log is still there loses nothing; its nodes take no more, its cursors and its id are 410', {
  timeout: 2 * MINUTE,
}, async () => {
  const { bed, node, state } = await lostStore()
  const before = await serveNode(node)
  const cursor: string = (await before.get('/v1/tasks?limit=1')).body.nextCursor
  expect(cursor).toEqual(expect.any(String))
  const { plan, restored } = await restore(bed)
  expect(plan).toMatchObject({ log: 'continues', registered: { storeId: node.storeId } })
  expect(restored).toMatchObject({ snapshotLsn: 2, lsn: 3, stoppedBy: undefined })
  for (const request of [() => before.transact([saveTask('too late')]), () => before.get('/v1/tasks')]) {
    const { status, body } = await request()
    expect([status, body.code]).toEqual([410, 'store_changed'])
  }
  expect((await before.get('/readyz')).status).toBe(503)
  expect((await before.get('/v1/tasks?consistency=weak')).status).toBe(200)
  const again = await bed.node()
  expect(await again.digest()).toEqual(state)
  const api = await serveNode(again)
  const old = await api.get(`/v1/tasks?limit=1&cursor=${cursor}`)
  expect([old.status, old.body.code]).toEqual([410, 'store_changed'])
  const known = await api.send('GET', '/v1/tasks', undefined, { 'boreal-store': node.storeId })
  expect([known.status, known.body.code]).toEqual([410, 'store_changed'])
  // What is in the new log is answered as before, for the same key.
  expect(await write(again, [saveTask('t-2')], 'third')).toBe(3)
  await expect(write(again, [saveTask('t-3')], 'third')).rejects.toMatchObject({ code: 'idempotency_key_reused' })
  const names = (await bed.stores().list()).map(({ name, state }) => [name, state])
  expect(names).toEqual([
    ['main', 'open'],
    [`main@${node.storeId}`, 'sealed'],
  ])
  const entries = await api.get('/v1/log?after=0')
  expect([entries.status, entries.body.code]).toEqual([410, 'out_of_retention'])
  expect((await api.get('/v1/log?after=2')).body.items).toMatchObject([{ lsn: 3 }])
})

test('a damaged entry is where a restore ends, and it says so', { timeout: 2 * MINUTE }, async () => {
  const { bed, node } = await lostStore()
  await write(node, [saveTask('t-3')])
  const state = await node.digest()
  await write(node, [saveTask('t-4')])
  const { client, table } = bed.tableContext()
  const item = { pk: { S: bucketKey(node.storeId, 5) }, sk: { N: '5' }, body: { B: Buffer.from('x') } }
  await client.send(new PutItemCommand({ TableName: table, Item: item }))
  const { restored } = await restore(bed)
  expect(restored).toMatchObject({ lsn: 4, stoppedBy: expect.stringContaining('log entry 5 cannot be used') })
  expect(await (await bed.node()).digest()).toEqual(state)
})

test('from a backup in another place, and what an archive has behind it', { timeout: 2 * MINUTE }, async () => {
  const { bed, node, context, state } = await lostStore()
  const backup = await temporaryObjects()
  for (const { key } of (await bed.objects.list('')).objects) await backup.put(key, await bed.objects.get(key))
  const empty = await StoresBed.open(endpoint)
  const nowhere = { objects: await temporaryObjects(), areBackups: false }
  await expect(restore(empty, { source: nowhere })).rejects.toMatchObject({ code: 'not_found' })
  const { restored } = await restore(empty, { source: { objects: backup, areBackups: false } }, (mark) =>
    context.log.stored(mark),
  )
  expect(restored).toMatchObject({ snapshotLsn: 2, lsn: 3 })
  // Nothing of the backup is needed any more.
  backup.fault = { before: () => expect.unreachable() }
  const again = await empty.node()
  expect(await again.digest()).toEqual(state)
  expect((await listed(empty.objects, again.storeId)).map(({ state }) => state)).toEqual(['verified'])
  expect(await listed(empty.objects, node.storeId)).toEqual([])
})

test('a snapshot that is damaged where only reading it tells: the one before it, and the log behind that', {
  timeout: 2 * MINUTE,
}, async () => {
  const { bed, node, context, state } = await lostStore()
  await takeSnapshot(context)
  const [newest, older] = await listed(bed.objects, node.storeId)
  const part = snapshotKey(node.storeId, newest!.id, partName(0))
  await bed.objects.put(part, withFlippedBit(await bed.objects.get(part), 99))
  const { plan, restored } = await restore(bed)
  expect(plan.bases.map(({ what }) => what)).toEqual([`snapshot ${newest!.id}`, `snapshot ${older!.id}`])
  expect(restored).toMatchObject({ from: `snapshot ${older!.id}`, snapshotLsn: 2, lsn: 3 })
  expect(await (await bed.node()).digest()).toEqual(state)
})

describe('a dump alone', () => {
  /** A store with a backup of three entries and a fourth behind it; of its images nothing can be used. */
  async function dumped(damaged: RegExp) {
    const { bed, node, context, atSnapshot } = await lostStore()
    const places = await temporaryObjects()
    const { backupId } = await takeBackup({ ...context, backups: places })
    await write(node, [saveTask('t-3')], 'fourth')
    const state = await node.digest()
    const lost = await StoresBed.open(endpoint)
    places.fault = { read: (key, bytes) => (damaged.test(key) ? withFlippedBit(bytes, 99) : bytes) }
    const source = { objects: places, areBackups: true }
    const archive = (mark: LogMark) => context.log.stored(mark)
    return { bed, node, lost, source, archive, backupId, state, atSnapshot, what: `the dump of backup ${backupId}` }
  }

  test.each([
    ['that no document vouches for', /manifest\.json/, 0],
    ['whose parts are damaged', /image\//, 1],
  ])(
    'gives the store back where there is an image %s, and goes on along the archive',
    { timeout: 2 * MINUTE },
    async (_, damaged, index) => {
      const { node, lost, source, archive, state, what } = await dumped(damaged)
      const { plan, restored } = await restore(lost, { source }, archive)
      expect(plan.bases.map((base) => base.what)[index]).toBe(what)
      expect(restored).toMatchObject({ from: what, snapshotLsn: 3, lsn: 4, stoppedBy: undefined })
      const again = await lost.node()
      expect(again.storeId).not.toBe(node.storeId)
      expect(await again.digest()).toEqual(state)
      // Its first snapshot is one like any other: restarts, keys and clones go by it.
      expect(await write(again, [saveTask('t-3')], 'fourth')).toBe(4)
      const [first] = await listed(lost.objects, again.storeId)
      expect(first).toMatchObject({ state: 'verified', lsn: 3 })
      expect(await (await lost.node()).digest()).toEqual(state)
      await write(again, [saveTask('t-4')])
      expect(await takeSnapshot(await lost.cloneContext())).toMatchObject({ made: true, lsn: 5 })
    },
  )

  test('serves where the log is still there, and may be named', { timeout: 2 * MINUTE }, async () => {
    const { bed, source, backupId, state, what } = await dumped(/image\//)
    const { restored } = await restore(bed, { source, from: backupId! })
    expect(restored).toMatchObject({ from: what, lsn: 4 })
    expect(await (await bed.node()).digest()).toEqual(state)
  })

  test('that is damaged, too, is no store: it says what of which it has tried', { timeout: 2 * MINUTE }, async () => {
    const { lost, source, node } = await dumped(/image\/|dump\//)
    const context = await lost.storesContext()
    const plan = await planRestore(context, { name: 'main', from: 'newest', source })
    await expect(restoreStore(context, plan)).rejects.toMatchObject({ code: expect.stringMatching(/_corrupt$/) })
    expect(context.logger.with('a store cannot be made from this').map(({ from }) => from)).toEqual(
      plan.bases.map(({ what }) => what),
    )
    expect(await lost.stores().find('main')).toBeUndefined()
    await expect(restore(lost, { source, storeId: node.storeId, from: 'another' })).rejects.toMatchObject({
      code: 'not_found',
    })
  })
})

test('a table that was put back from an older copy is replaced, too', { timeout: 2 * MINUTE }, async () => {
  const { bed, node, atSnapshot } = await lostStore()
  const older = await StoresBed.open(endpoint)
  Object.assign(older, { objects: bed.objects })
  const { client, table } = older.tableContext()
  for (const lsn of [0, 1]) {
    const { toAttributes } = await import('../../lib/log/dynamo-item.ts')
    const item = (await bed.stores().events(node.storeId).get(lsn))!
    await client.send(new PutItemCommand({ TableName: table, Item: toAttributes(item) }))
  }
  const stores = older.stores()
  await stores.add({ name: 'main', storeId: node.storeId, state: 'open', createdMs: 1, startsAt: 0 })
  await stores.createHead(node.storeId, 0)
  await expect(older.node()).rejects.toMatchObject({ code: 'log_corrupt', message: /boreal restore/ })
  const { plan, restored } = await restore(older)
  expect([plan.log, restored.lsn]).toEqual(['ends before', 2])
  expect(await (await older.node()).digest()).toEqual(atSnapshot)
  // Whoever still believes in the old copy cannot write to it.
  expect(await stores.events(node.storeId).get(2)).toMatchObject({ codec: 'seal' })
})

test('several stores that are lost are told apart by whoever restores; a snapshot may be named', {
  timeout: 2 * MINUTE,
}, async () => {
  const [one, other] = [await lostStore(), await lostStore()]
  await takeSnapshot(one.context)
  const both = await StoresBed.open(endpoint)
  for (const { bed } of [one, other]) {
    for (const { key } of (await bed.objects.list('')).objects) await both.objects.put(key, await bed.objects.get(key))
  }
  await expect(restore(both)).rejects.toMatchObject({ code: 'invalid_field', message: new RegExp(one.node.storeId) })
  const [, older] = await listed(both.objects, one.node.storeId)
  const { restored } = await restore(both, { storeId: one.node.storeId, from: older!.id })
  expect(restored.lsn).toBe(2)
  expect(await (await both.node()).digest()).toEqual(one.atSnapshot)
})
