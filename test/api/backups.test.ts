import { setTimeout as delay } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { nodeConfig } from '../../lib/node/config.ts'
import { memoryNode } from '../support/memory-node.ts'
import { quota } from '../support/records.ts'
import { gate } from '../support/scripted-log.ts'
import { temporaryObjects, withFlippedBit } from '../support/snapshots.ts'
import { READ_TOKEN, serveNode, WRITE_TOKEN } from '../support/test-api.ts'

/** Backups over HTTP, and by themselves. */

const MINUTE = 60_000

test('a backup is made, listed, looked into and restored to see, by admins alone', {
  timeout: 2 * MINUTE,
}, async () => {
  const backups = await temporaryObjects()
  const { node, storeId } = await memoryNode({ backups })
  const api = await serveNode(node)
  const id = '0000000000000001-01ARZ3NDEKTSV4RRFFQ69G5FAV'
  for (const token of [READ_TOKEN, WRITE_TOKEN]) {
    const other = api.as(token)
    for (const path of ['/v1/backups', `/v1/backups/${id}/verify`]) {
      expect((await other.send('POST', path, {})).body.code).toBe('forbidden')
    }
    for (const path of ['/v1/backups', `/v1/backups/${id}`]) expect((await other.get(path)).status).toBe(403)
  }
  expect((await api.send('POST', '/v1/backups', {})).body).toMatchObject({ made: false, lsn: 0 })
  await api.transact([{ op: 'saveQuota', role: 'www', quota: quota(1) }])
  const started = await api.send('POST', '/v1/backups', {})
  const made = (await api.ended(started)).body
  expect(made).toEqual({ made: true, lsn: 1, backupId: expect.any(String) })
  expect((await api.get(started.headers.get('location')!)).body).toMatchObject({
    kind: 'backup',
    state: 'done',
    result: made,
  })
  const { digest } = await api.state()
  const summary = { id: made.backupId, lsn: 1, state: 'complete', digest, schemaVersion: node.schemaVersion }
  expect((await api.get('/v1/backups')).body.items).toMatchObject([summary])
  expect((await api.get('/v1/backups')).body.items[0]).not.toHaveProperty('drilledAt')
  const path = `/v1/backups/${made.backupId}`
  expect((await api.ended(await api.send('POST', `${path}/verify`, {}))).body).toMatchObject({ passed: true, lsn: 1 })
  expect((await api.get(path)).body).toMatchObject({ ...summary, drillPassed: true, document: { rows: { quota: 1 } } })

  const key = `${storeId}/backups/${made.backupId}/dump/00000`
  await backups.put(key, withFlippedBit(await backups.get(key), 777))
  expect((await api.ended(await api.send('POST', `${path}/verify`, {}))).body).toMatchObject({
    passed: false,
    image: { result: 'same' },
    dump: { result: 'failed', why: expect.stringContaining('checksum') },
  })
  expect((await api.get('/v1/backups')).body.items).toMatchObject([{ drillPassed: false }])
})

test('what there is not, and what is not understood', async () => {
  const api = await serveNode((await memoryNode()).node)
  for (const id of ['nonsense', '0000000000000001-01ARZ3NDEKTSV4RRFFQ69G5FAV', '..%2F..']) {
    expect((await api.get(`/v1/backups/${id}`)).body.code, id).toBe('not_found')
    expect((await api.send('POST', `/v1/backups/${id}/verify`, {})).body.code, id).toBe('not_found')
  }
  expect((await api.send('POST', '/v1/backups', { now: true })).body.code).toBe('invalid_field')
  expect((await api.get('/v1/backups?limit=0')).body.code).toBe('invalid_field')
  const bare = await serveNode((await memoryNode({ objects: undefined })).node)
  expect((await bare.send('POST', '/v1/backups', {})).body.code).toBe('not_available')
})

test('jobs of a node have their turns: there is memory for one', async () => {
  const { opened, open } = gate()
  const running: string[] = []
  const { node } = await memoryNode({
    runJob: async (name) => {
      running.push(name)
      await opened
      return { made: true, backupId: 'id', snapshotId: 'id', lsn: 7 } as never
    },
  })
  const both = [node.backups.take(), node.snapshots.take(), node.backups.take()]
  await delay(50)
  expect(running).toEqual(['backup'])
  open()
  await Promise.all(both)
  expect(running).toEqual(['backup', 'snapshot'])
})

test('by itself, and a drill when the last one is old', { timeout: 2 * MINUTE }, async () => {
  const jobs: string[] = []
  const backups = await temporaryObjects()
  const { node, ...store } = await memoryNode({ backups })
  const api = await serveNode(node)
  await api.transact([{ op: 'saveQuota', role: 'www', quota: quota(1) }])
  await node.backups.take()
  await node.close()
  const runJob = async (name: string) => {
    jobs.push(name)
    return {} as never
  }
  const settings = { intervalMs: 20, drillMs: 30 }
  await memoryNode({ ...store, backups, runJob, backupSettings: settings })
  await vi.waitFor(() => expect(new Set(jobs)).toEqual(new Set(['backup', 'drill'])), { timeout: MINUTE })
})

test('an embedded node makes one every hour unless it is told otherwise, nodes on a table only when told', () => {
  const remote = { table: 't', bucket: 'b' }
  const settingsOf = (flags: object, env = {}) => nodeConfig(flags, env).backupSettings
  expect(settingsOf({})).toMatchObject({
    intervalMs: 60 * MINUTE,
    drillMs: 24 * 60 * MINUTE,
    retention: { newest: 48 },
  })
  expect(settingsOf(remote)).toMatchObject({ intervalMs: 0, drillMs: 0 })
  expect(settingsOf(remote, { BOREAL_BACKUP_MINUTES: '30' }).intervalMs).toBe(30 * MINUTE)
  const placeOf = (flags: object, env = {}) => nodeConfig(flags, env).storage.backups
  expect(placeOf({})).toBeUndefined()
  expect(placeOf(remote, { BOREAL_BACKUP_BUCKET: 'other' })).toEqual({ bucket: 'other' })
  expect(placeOf({ backupObjects: '/mnt' })).toEqual({ folder: '/mnt' })
  expect(() => placeOf({ backupObjects: '/mnt', backupBucket: 'b' })).toThrow('exclude each other')
})
