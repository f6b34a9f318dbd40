import { afterAll, expect, test } from 'vitest'
import { hostMaintenanceRequest } from '../../lib/model/host-maintenance.ts'
import { assertFullyPopulated } from '../support/fully-populated.ts'
import { host, maintenance } from '../support/records.ts'
import { memoryApi } from '../support/test-api.ts'

/** Aurora's AbstractHostMaintenanceStoreTest through HTTP, with the name of the case. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })

async function save(request: object): Promise<number> {
  const { status, body } = await api.transact([{ op: 'saveHostMaintenanceRequest', request }])
  expect(status, JSON.stringify(body)).toBe(200)
  expect(body.results).toEqual([{ op: 'saveHostMaintenanceRequest', affected: 1 }])
  return body.lsn
}

async function remove(name: string): Promise<number> {
  const { status, body } = await api.transact([{ op: 'removeHostMaintenanceRequest', host: name }])
  expect(status, JSON.stringify(body)).toBe(200)
  return body.results[0].affected
}

const fetch = (name: string) => api.get(`/v1/host-maintenance/${encodeURIComponent(name)}`)
const listed = async (prefix: string) =>
  (await api.list('/v1/host-maintenance?limit=2')).map((each) => each.host).filter((name) => name.startsWith(prefix))

test('a host without a request has none (testReadHostMaintenanceRequestNonExistant)', async () => {
  const { status, body } = await fetch('nobody')
  expect([status, body.code]).toEqual([404, 'not_found'])
})

test('a request is read with every field (testReadHostMaintenanceRequest, testSaveHostMaintenanceRequest)', async () => {
  assertFullyPopulated(hostMaintenanceRequest, maintenance('read'), ['version'])
  const version = await save(maintenance('read'))
  expect((await fetch('read')).body).toEqual({ ...maintenance('read'), version })
})

test('the list grows by each host and goes on over pages (testReadAllHostMaintenanceRequest)', async () => {
  const names = ['all-1', 'all-2', 'all-3', 'all-4', 'all-5']
  for (const [index, name] of names.entries()) {
    await save(maintenance(name))
    expect(await listed('all-')).toEqual(names.slice(0, index + 1))
  }
})

test('a second save overwrites the request of that host only (testSaveHostMaintenanceRequestUpdates)', async () => {
  const other = await save(maintenance('update-b'))
  await save(maintenance('update-a'))
  const { defaultSlaPolicy, ...without } = maintenance('update-a', { timeoutSecs: 7, createdTimestampMs: 8 })
  const version = await save(without)
  expect((await fetch('update-a')).body).toEqual({ ...without, version })
  expect((await fetch('update-b')).body).toEqual({ ...maintenance('update-b'), version: other })
  expect(await listed('update-')).toEqual(['update-a', 'update-b'])
})

test('removing what is not there is no error and changes nothing (testRemoveHostMaintenanceRequestNotExistant)', async () => {
  const before = await api.state()
  expect(await remove('nobody')).toBe(0)
  expect(await api.state()).toEqual(before)
})

test('a request that was removed is gone, and others stay (testRemoveHostMaintenanceRequest)', async () => {
  await save(maintenance('remove-a'))
  await save(maintenance('remove-b'))
  expect(await remove('remove-a')).toBe(1)
  expect((await fetch('remove-a')).status).toBe(404)
  expect(await listed('remove-')).toEqual(['remove-b'])
  await save(maintenance('remove-a'))
  expect(await listed('remove-')).toEqual(['remove-a', 'remove-b'])
})

test('a request and the attributes of a host do not touch each other', async () => {
  await save(maintenance('both'))
  expect((await api.get('/v1/hosts/both')).status).toBe(404)
  await api.transact([{ op: 'saveHostAttributes', hostAttributes: host('both', { mode: 'DRAINING' }) }])
  await remove('both')
  expect((await api.get('/v1/hosts/both')).body.mode).toBe('DRAINING')
})

test.each([
  ['a percentage', { percentage: { percentage: 99.9, durationSecs: 60 } }],
  ['a count', { count: { count: '9223372036854775807', durationSecs: 1 } }],
  ['a coordinator without a key', { coordinator: { coordinatorUrl: 'http://c' } }],
])('the policy may be %s', async (name, defaultSlaPolicy) => {
  const request = maintenance(`policy of ${name}`, { defaultSlaPolicy })
  const version = await save(request)
  expect((await fetch(request.host)).body).toEqual({ ...request, version })
})

test('times keep the extremes of int64', async () => {
  const request = maintenance('extremes', {
    timeoutSecs: '9223372036854775807',
    createdTimestampMs: '-9223372036854775808',
  })
  const version = await save(request)
  expect((await fetch('extremes')).body).toEqual({ ...request, version })
})

test('a host may have any name', async () => {
  const name = 'rack/7 %2F 😀?#'
  const version = await save(maintenance(name))
  expect((await fetch(name)).body).toEqual({ ...maintenance(name), version })
  expect(await remove(name)).toBe(1)
})
