import { afterAll, expect, test } from 'vitest'
import { quota } from '../support/records.ts'
import { memoryApi } from '../support/test-api.ts'

/** Aurora's AbstractQuotaStoreTest through HTTP, with the name of the case, and the numbers that a quota can hold. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })

async function save(role: string, of: object): Promise<number> {
  const { status, body } = await api.transact([{ op: 'saveQuota', role, quota: of }])
  expect(status, JSON.stringify(body)).toBe(200)
  expect(body.results).toEqual([{ op: 'saveQuota', affected: 1 }])
  return body.lsn
}

async function remove(role: string): Promise<number> {
  const { status, body } = await api.transact([{ op: 'removeQuota', role }])
  expect(status).toBe(200)
  return body.results[0].affected
}

const fetch = async (role: string) => (await api.get(`/v1/quotas/${role}`)).body

test('quotas are saved, read, listed and removed, each by itself (testCrud)', async () => {
  expect((await api.get('/v1/quotas/crud-1')).status).toBe(404)
  const first = await save('crud-1', quota(1))
  const second = await save('crud-2', quota(2))
  expect(await fetch('crud-1')).toEqual({ role: 'crud-1', quota: quota(1), version: first })
  const listed = (await api.list('/v1/quotas')).filter(({ role }) => role.startsWith('crud-'))
  expect(listed).toEqual([
    { role: 'crud-1', quota: quota(1), version: first },
    { role: 'crud-2', quota: quota(2), version: second },
  ])
  expect(await remove('crud-1')).toBe(1)
  expect((await api.get('/v1/quotas/crud-1')).status).toBe(404)
  expect(await fetch('crud-2')).toEqual({ role: 'crud-2', quota: quota(2), version: second })
  expect(await remove('crud-2')).toBe(1)
  expect((await api.list('/v1/quotas')).filter(({ role }) => role.startsWith('crud-'))).toEqual([])
})

test('removing what is not there is no error and changes nothing (testDeleteNonExistent)', async () => {
  const before = await api.state()
  expect(await remove('nobody')).toBe(0)
  expect(await api.state()).toEqual(before)
})

test('a second save replaces every value (testUpsert)', async () => {
  await save('upsert', quota(1, 2, 3))
  const version = await save('upsert', quota(4, 5, 6))
  expect(await fetch('upsert')).toEqual({ role: 'upsert', quota: quota(4, 5, 6), version })
  const { body } = await api.query(`select num_cpus, ram_mb, disk_mb, version from quota where role = 'upsert'`)
  expect(body.rows).toEqual([{ num_cpus: 4, ram_mb: 5, disk_mb: 6, version }])
})

test('a role with a quota and no job is a role', async () => {
  const changedLsn = await save('idle', quota(1))
  const summary = { role: 'idle', jobs: 0, cronJobs: 0, tasks: {}, active: 0, terminal: 0, quota: quota(1), changedLsn }
  expect((await api.get('/v1/roles/idle')).body).toEqual(summary)
  await remove('idle')
  expect((await api.get('/v1/roles/idle')).status).toBe(404)
})

test.each([
  ['the greatest number that is exact', 9_007_199_254_740_991, 9_007_199_254_740_991],
  ['that number as a string', '9007199254740991', 9_007_199_254_740_991],
  ['the first that is not exact', '9007199254740992', '9007199254740992'],
  ['one that a double would change', '9007199254740993', '9007199254740993'],
  ['the greatest int64', '9223372036854775807', '9223372036854775807'],
  ['zero', 0, 0],
  ['a string with leading zeros', '0007', 7],
])('an int64 keeps its value: %s', async (_name, given, expected) => {
  const version = await save('int64', quota(1, given, given))
  expect(await fetch('int64')).toEqual({ role: 'int64', quota: quota(1, expected, expected), version })
  const { body } = await api.query(`select ram_mb, disk_mb from quota where role = 'int64'`)
  expect(body.rows).toEqual([{ ram_mb: expected, disk_mb: expected }])
})

test.each([0, 5e-324, 0.1, 0.1 + 0.2, 1 / 3, 1e21, Number.MAX_VALUE])('a double keeps its value: %d', async (cpus) => {
  await save('double', quota(cpus))
  expect((await fetch('double')).quota).toEqual(quota(cpus))
  const { body } = await api.query(`select num_cpus from quota where role = 'double'`)
  expect(body.rows).toEqual([{ num_cpus: cpus }])
})

test.each([
  ['beyond int64', quota(1, '9223372036854775808')],
  ['below zero', quota(1, -1)],
  ['below zero, as a string', quota(1, '-1')],
  ['the least int64', quota(1, '-9223372036854775808')],
  ['a number that has lost digits', quota(1, 9_007_199_254_740_992)],
  ['a fraction', quota(1, 1.5)],
  ['a fraction as a string', quota(1, '1.5')],
  ['an empty string', quota(1, '')],
  ['hexadecimal', quota(1, '0x10')],
  ['an exponent', quota(1, '1e3')],
  ['negative CPUs', quota(-0.5)],
  ['no disk', { resources: [{ numCpus: 1 }, { ramMb: 1 }] }],
  ['RAM twice', { resources: [{ numCpus: 1 }, { ramMb: 1 }, { ramMb: 2 }, { diskMb: 1 }] }],
  ['a port besides', { resources: [...quota(1).resources, { namedPort: 'http' }] }],
  ['two kinds in one resource', { resources: [{ numCpus: 1, ramMb: 1 }, { diskMb: 1 }] }],
  ['no resources', { resources: [] }],
])('a quota is exactly CPU, RAM and disk, whole and not negative: %s is refused', async (_name, refused) => {
  const { status, body } = await api.transact([{ op: 'saveQuota', role: 'refused', quota: refused }])
  expect([status, body.code]).toEqual([400, 'invalid_field'])
  expect(body.errors[0].path).toMatch(/^operations\.0\.quota/)
  expect((await api.get('/v1/quotas/refused')).status).toBe(404)
})
