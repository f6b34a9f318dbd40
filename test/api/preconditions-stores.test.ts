import { afterAll, describe, expect, test } from 'vitest'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { describePreconditions, failedPreconditions } from '../support/preconditions.ts'
import { fullCronJob, lock, maintenance, quota } from '../support/records.ts'
import { memoryApi } from '../support/test-api.ts'
import { instanceEvent, update, updateEvent } from '../support/update-records.ts'

/** Preconditions on cron jobs, maintenance requests, job updates, locks and the scheduler. */

const api = await memoryApi({ cleanup: afterAll })
const updates = new JobUpdateStore(api)
const failed = (...preconditions: unknown[]) => failedPreconditions(api, preconditions)

async function transact(...operations: unknown[]): Promise<number> {
  const { status, body } = await api.transact(operations)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.lsn
}

const saveQuota = (role: string) => transact({ op: 'saveQuota', role, quota: quota(1) })
const saveCronJob = (role: string, overrides: object = {}) =>
  transact({ op: 'saveCronJob', jobConfiguration: { ...fullCronJob(keyIn(role).job), ...overrides } })
const removeCronJob = (role: string) => transact({ op: 'removeCronJob', jobKey: keyIn(role).job })
const saveMaintenance = (name: string) =>
  transact({ op: 'saveHostMaintenanceRequest', request: maintenance(name, { timeoutSecs: '9223372036854775807' }) })
const saveLock = (role: string, token: string) => transact({ op: 'saveLock', lock: lock(keyIn(role).job, token) })
const removeLock = (role: string) => transact({ op: 'removeLock', lockKey: { job: keyIn(role).job } })

/** For each entity: its key, and how a row of it comes to be. */
const ENTITIES = [
  ['cronJob', (id: string) => `${id}/prod/hello`, (id: string) => saveCronJob(id)],
  ['hostMaintenance', (id: string) => id, (id: string) => saveMaintenance(id)],
  ['jobUpdate', (id: string) => `${id}/prod/hello/u/1`, (id: string) => updates.save(keyIn(id, 'u/1'))],
  ['lock', (id: string) => `${id}/prod/hello`, (id: string) => saveLock(id, `token of ${id}`)],
] as const

describePreconditions(ENTITIES, failed)

test('where compares the fields of every entity that has any', async () => {
  const role = 'where-all'
  await saveCronJob(role)
  await saveMaintenance(role)
  await saveLock(role, 'where-all')
  await updates.save(keyIn(role))
  await transact({ op: 'saveFrameworkId', id: 'where-all' })
  const key = `${role}/prod/hello`
  const cases: [string, string, object, object][] = [
    [
      'cronJob',
      key,
      { cronSchedule: '*/5 3 * * MON', cronCollisionPolicy: 'CANCEL_NEW', instanceCount: 5 },
      { instanceCount: 6 },
    ],
    [
      'hostMaintenance',
      role,
      { timeoutSecs: '9223372036854775807', createdTimestampMs: 1_478_000_000_000 },
      { timeoutSecs: '9223372036854775806' },
    ],
    [
      'lock',
      key,
      { token: 'where-all', user: 'ann', timestampMs: 1_478_000_000_000, message: 'deploys' },
      { token: 'x' },
    ],
    ['jobUpdate', `${key}/u`, { user: 'ann' }, { status: 'ROLLING_FORWARD' }],
    ['scheduler', '', { frameworkId: 'where-all' }, { frameworkId: 'x' }],
  ]
  for (const [entity, key, where, other] of cases) {
    expect(await failed({ entity, key, where }), entity).toBeUndefined()
    expect(await failed({ entity, key, where: { ...where, ...other } }), entity).toMatchObject([
      { index: 0, expected: { where: other } },
    ])
  }
})

test('the status of an update is that of its newest event, none before the first', async () => {
  const key = keyIn('where-status')
  const where = (status: string) => ({ entity: 'jobUpdate', key: 'where-status/prod/hello/u', where: { status } })
  await updates.save(key)
  expect(await failed(where('ROLLING_FORWARD'))).toEqual([
    { index: 0, expected: { where: { status: 'ROLLING_FORWARD' } }, found: { status: null } },
  ])
  await updates.addEvents(key, updateEvent('ROLLING_FORWARD', 5))
  expect(await failed(where('ROLLING_FORWARD'))).toBeUndefined()
  await updates.addEvents(key, updateEvent('ABORTED', 4))
  expect(await failed(where('ROLLING_FORWARD'))).toBeUndefined()
  await updates.addEvents(key, updateEvent('ABORTED', 5))
  expect(await failed(where('ROLLING_FORWARD'))).toEqual([
    { index: 0, expected: { where: { status: 'ROLLING_FORWARD' } }, found: { status: 'ABORTED' } },
  ])
})

test('the scheduler has one record, with an empty key', async () => {
  const fresh = await memoryApi()
  const check = async (precondition: object) =>
    (await fresh.transact([], { preconditions: [{ entity: 'scheduler', ...precondition }] })).status
  expect(await check({ key: '', absent: true })).toBe(200)
  expect(await check({ key: '', exists: true })).toBe(409)
  const { lsn } = (await fresh.transact([{ op: 'saveFrameworkId', id: 'f' }])).body
  expect(await check({ key: '', version: lsn })).toBe(200)
  expect(await check({ key: '', absent: true })).toBe(409)
  expect(await check({ scope: {}, unchangedSince: lsn })).toBe(200)
  expect(await check({ scope: {}, unchangedSince: lsn - 1 })).toBe(409)
  expect(await check({ key: 'f', exists: true })).toBe(400)
  expect(await check({ scope: { role: 'r' }, unchangedSince: lsn })).toBe(400)
})

test.each([
  ['a cron job without a name', { entity: 'cronJob', key: 'r/e', exists: true }],
  ['an update without an id', { entity: 'jobUpdate', key: 'r/e/n', exists: true }],
  ['an update with an empty id', { entity: 'jobUpdate', key: 'r/e/n/', exists: true }],
  ['a lock by its token', { entity: 'lock', key: 'token', exists: true }],
  ['a host that is empty', { entity: 'hostMaintenance', key: '', exists: true }],
  ['a field that a lock does not have', { entity: 'lock', key: 'r/e/n', where: { version: 1 } }],
  ['a host as the scope of locks', { entity: 'lock', scope: { host: 'h' }, unchangedSince: 1 }],
  ['a role as the scope of maintenance', { entity: 'hostMaintenance', scope: { role: 'r' }, unchangedSince: 1 }],
  ['an entity that is none', { entity: 'jobUpdateEvent', key: 'e', exists: true }],
])('%s is refused as a precondition', async (_name, precondition) => {
  const { status, body } = await api.transact([], { preconditions: [precondition] })
  expect([status, body.code], JSON.stringify(body)).toEqual([400, 'invalid_field'])
})

describe.each([
  ['cronJob', (role: string) => saveCronJob(role), (role: string) => removeCronJob(role)],
  ['lock', (role: string) => saveLock(role, `scoped ${role}`), (role: string) => removeLock(role)],
  [
    'jobUpdate',
    (role: string) => updates.save(keyIn(role)),
    (role: string) => transact({ op: 'removeJobUpdates', keys: [keyIn(role)] }),
  ],
] as const)('%s in a role or a job', (entity, create, remove) => {
  const scopes = (role: string) => [{ role }, { job: `${role}/prod/hello` }]

  test('what comes and goes is caught, also when it was the last; what is elsewhere is not', async () => {
    const [role, other] = [`scoped-${entity}`, `elsewhere-${entity}`]
    const start = await saveQuota(role)
    const created = await create(role)
    await create(other)
    const check = (scope: object, unchangedSince: number) => failed({ entity, scope, unchangedSince })
    const found = (unchangedSince: number, changed: number) => [
      { index: 0, expected: { unchangedSince }, found: { changed } },
    ]
    for (const scope of scopes(role)) {
      expect(await check(scope, start)).toEqual(found(start, created))
      expect(await check(scope, created)).toBeUndefined()
    }
    const removed = await remove(role)
    await remove(other)
    for (const scope of scopes(role)) {
      expect(await check(scope, created)).toEqual(found(created, removed))
      expect(await check(scope, removed)).toBeUndefined()
      // Once everything has passed through the store, still.
      expect(await check(scope, start)).toEqual(found(start, removed))
    }
    for (const scope of scopes(`${role}-2`)) expect(await check(scope, 0)).toBeUndefined()
  })
})

test('events change their update, its job and its role, for preconditions of every form', async () => {
  const key = keyIn('events')
  const of = (update: string) => ({ entity: 'jobUpdate', key: update })
  const saved = await updates.save(key)
  await updates.save(keyIn('events', 'v'))
  await updates.addEvents(key, updateEvent('ROLLING_FORWARD', 1, { id: 'e' }))
  const { lsn: first } = await api.state()
  await updates.addInstanceEvents(key, instanceEvent(0, 'INSTANCE_UPDATING', 1))
  const { lsn: second } = await api.state()
  expect(await failed({ ...of('events/prod/hello/u'), version: saved })).toHaveLength(1)
  expect(await failed({ ...of('events/prod/hello/u'), version: second })).toBeUndefined()
  for (const scope of [{ role: 'events' }, { job: 'events/prod/hello' }]) {
    for (const entity of ['jobUpdate', 'job']) {
      expect(await failed({ entity, scope, unchangedSince: first })).toEqual([
        { index: 0, expected: { unchangedSince: first }, found: { changed: second } },
      ])
      expect(await failed({ entity, scope, unchangedSince: second })).toBeUndefined()
    }
  }
  // One that is there already changes nothing.
  await updates.addEvents(key, updateEvent('ROLLING_FORWARD', 1, { id: 'e' }))
  expect(await failed({ ...of('events/prod/hello/u'), version: second })).toBeUndefined()
})

test('a job and a role exist while they have a cron job or an update; a lock makes none', async () => {
  const exist = async (role: string) =>
    (await failed(
      { entity: 'job', key: `${role}/prod/hello`, exists: true },
      { entity: 'role', key: role, exists: true },
    )) === undefined
  await saveLock('exist', 'exist')
  expect(await exist('exist')).toBe(false)
  await saveCronJob('exist')
  expect(await exist('exist')).toBe(true)
  await updates.save(update(keyIn('exist')))
  await removeCronJob('exist')
  expect(await exist('exist')).toBe(true)
  await updates.remove(keyIn('exist'))
  expect(await exist('exist')).toBe(false)
})
