import { afterAll, describe, expect, test } from 'vitest'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { fullCronJob, host, lock, maintenance, quota } from '../support/records.ts'
import { configIn, TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'
import { instanceEvent, update, updateEvent } from '../support/update-records.ts'

/** Preconditions of every form, for every entity, through HTTP. */

const api = await memoryApi({ cleanup: afterAll })
const store = new TaskStore(api)
const updates = new JobUpdateStore(api)

/** Whether preconditions hold: asks with a transaction that does nothing else. Gives what failed, or undefined. */
async function failed(...preconditions: unknown[]): Promise<unknown[] | undefined> {
  const { status, body } = await api.transact([], { preconditions })
  if (status === 200) return undefined
  expect([status, body.code, body.title], JSON.stringify(body)).toEqual([
    409,
    'precondition_failed',
    'Precondition failed',
  ])
  return body.failed
}

async function transact(...operations: unknown[]): Promise<number> {
  const { status, body } = await api.transact(operations)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.lsn
}

const saveQuota = (role: string, cpus = 1) => transact({ op: 'saveQuota', role, quota: quota(cpus) })
const removeQuota = (role: string) => transact({ op: 'removeQuota', role })
const saveHost = (name: string, mode: 'NONE' | 'DRAINED' = 'NONE') =>
  transact({ op: 'saveHostAttributes', hostAttributes: host(name, { mode }) })

const saveCronJob = (role: string, overrides: object = {}) =>
  transact({ op: 'saveCronJob', jobConfiguration: { ...fullCronJob(keyIn(role).job), ...overrides } })
const removeCronJob = (role: string) => transact({ op: 'removeCronJob', jobKey: keyIn(role).job })
const saveMaintenance = (name: string) =>
  transact({ op: 'saveHostMaintenanceRequest', request: maintenance(name, { timeoutSecs: '9223372036854775807' }) })
const saveLock = (role: string, token: string) => transact({ op: 'saveLock', lock: lock(keyIn(role).job, token) })
const removeLock = (role: string) => transact({ op: 'removeLock', lockKey: { job: keyIn(role).job } })

/** For each entity: how a row of it comes to be under a key of the test's own, and that key. */
const ENTITIES = [
  ['task', (id: string) => id, (id: string) => store.save(taskIn(id, id))],
  ['job', (id: string) => `${id}/prod/hello`, (id: string) => store.save(taskIn(id, id))],
  ['role', (id: string) => id, (id: string) => store.save(taskIn(id, id))],
  ['quota', (id: string) => id, (id: string) => saveQuota(id)],
  ['host', (id: string) => id, (id: string) => saveHost(id)],
  ['cronJob', (id: string) => `${id}/prod/hello`, (id: string) => saveCronJob(id)],
  ['hostMaintenance', (id: string) => id, (id: string) => saveMaintenance(id)],
  ['jobUpdate', (id: string) => `${id}/prod/hello/u/1`, (id: string) => updates.save(keyIn(id, 'u/1'))],
  ['lock', (id: string) => `${id}/prod/hello`, (id: string) => saveLock(id, `token of ${id}`)],
] as const

describe.each(ENTITIES)('%s', (entity, keyOf, create) => {
  test('version holds for exactly the version that is there', async () => {
    const key = keyOf(`version-${entity}`)
    expect(await failed({ entity, key, version: 1 })).toEqual([
      { index: 0, expected: { version: 1 }, found: { absent: true } },
    ])
    const version = await create(`version-${entity}`)
    expect(await failed({ entity, key, version })).toBeUndefined()
    for (const other of [version - 1, version + 1]) {
      expect(await failed({ entity, key, version: other })).toEqual([
        { index: 0, expected: { version: other }, found: { version } },
      ])
    }
  })

  test('exists and absent hold for what is there and what is not', async () => {
    const key = keyOf(`exists-${entity}`)
    expect(await failed({ entity, key, absent: true })).toBeUndefined()
    expect(await failed({ entity, key, exists: true })).toEqual([
      { index: 0, expected: { exists: true }, found: { absent: true } },
    ])
    const version = await create(`exists-${entity}`)
    expect(await failed({ entity, key, exists: true })).toBeUndefined()
    expect(await failed({ entity, key, absent: true })).toEqual([
      { index: 0, expected: { absent: true }, found: { version } },
    ])
  })

  test('the whole entity is unchanged since its last change anywhere, and not longer', async () => {
    const version = await create(`anywhere-${entity}`)
    expect(await failed({ entity, scope: {}, unchangedSince: version })).toBeUndefined()
    expect(await failed({ entity, scope: {}, unchangedSince: version - 1 })).toEqual([
      { index: 0, expected: { unchangedSince: version - 1 }, found: { changed: version } },
    ])
  })
})

test('where compares the fields it names; what differs is shown', async () => {
  await store.save(taskIn('where', 'where-1', { slaveHost: 'h1', instanceId: 2 }))
  await saveHost('where-h')
  const of = (where: object) => ({ entity: 'task', key: 'where-1', where })
  expect(await failed(of({ status: 'PENDING', slaveHost: 'h1', instanceId: 2, failureCount: 0 }))).toBeUndefined()
  expect(await failed({ entity: 'host', key: 'where-h', where: { mode: 'NONE' } })).toBeUndefined()
  expect(
    await failed(
      of({ status: 'RUNNING', slaveHost: 'h1' }),
      of({ slaveId: 'a' }),
      of({ instanceId: '2' }),
      { entity: 'host', key: 'where-h', where: { mode: 'DRAINED' } },
      { entity: 'task', key: 'nobody', where: { status: 'PENDING' } },
    ),
  ).toEqual([
    { index: 0, expected: { where: { status: 'RUNNING' } }, found: { status: 'PENDING' } },
    { index: 1, expected: { where: { slaveId: 'a' } }, found: { slaveId: null } },
    { index: 2, expected: { where: { instanceId: '2' } }, found: { instanceId: 2 } },
    { index: 3, expected: { where: { mode: 'DRAINED' } }, found: { mode: 'NONE' } },
    { index: 4, expected: { where: { status: 'PENDING' } }, found: { absent: true } },
  ])
})

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

test('every precondition that fails is named, and nothing is done', async () => {
  const version = await saveQuota('named')
  const before = await api.state()
  const { status, body } = await api.transact([{ op: 'saveQuota', role: 'named', quota: quota(9) }], {
    preconditions: [
      { entity: 'quota', key: 'named', version },
      { entity: 'quota', key: 'named', absent: true },
      { entity: 'role', key: 'named', exists: true },
      { entity: 'task', key: 'nobody', exists: true },
    ],
  })
  expect(status).toBe(409)
  expect(body.failed.map(({ index }: { index: number }) => index)).toEqual([1, 3])
  expect(await api.state()).toEqual(before)
})

/** A scope of tasks, and changes that make, unmake or leave it. Each is caught, and what is outside is not. */
const JOB = { role: 'scope', environment: 'prod', name: 'hello' }
const inScope = (id: string, overrides = {}) => taskIn('scope', id, { slaveHost: 'scope-h', ...overrides })
const outside = (id: string) => taskIn('outside', id, { slaveHost: 'outside-h' })

describe.each([
  ['all tasks', {}],
  ['a role', { role: 'scope' }],
  ['a job', { job: 'scope/prod/hello' }],
  ['a host', { host: 'scope-h' }],
])('tasks of %s', (name, scope) => {
  const since = (lsn: number) => failed({ entity: 'task', scope, unchangedSince: lsn })
  const caught = async (before: number, changed: number) => {
    expect(await since(before)).toEqual([{ index: 0, expected: { unchangedSince: before }, found: { changed } }])
    expect(await since(changed)).toBeUndefined()
  }

  test('a task that is added, changed or removed is caught, also when it was the last one', async () => {
    const start = await transact(
      { op: 'removeTasks', query: { role: 'scope' } },
      { op: 'saveTasks', tasks: [outside('o')] },
    )
    expect(await since(start)).toBeUndefined()
    const added = await store.save(inScope('added'))
    await caught(start, added)
    const changed = await transact({ op: 'mutateTasks', query: { taskIds: ['added'] }, patch: { failureCount: 1 } })
    await caught(added, changed)
    const removed = await transact({ op: 'removeTasks', taskIds: ['added'] })
    await caught(changed, removed)
    // The scope has no rows any more and knows when it lost them.
    await caught(start, removed)
  })

  test('a task that moves out is caught, and so is one that moves in', async () => {
    const start = await store.save(inScope('moved'))
    const left = await store.save(outside('moved'))
    await caught(start, left)
    const back = await store.save(inScope('moved'))
    await caught(left, back)
  })

  test('a task that comes and goes in one transaction changes nothing that anybody could miss', async () => {
    const start = await store.save(inScope('stays'))
    const both = await transact(
      { op: 'saveTasks', tasks: [inScope('brief')] },
      { op: 'removeTasks', taskIds: ['brief'] },
    )
    await caught(start, both)
  })

  test(`what is outside of ${name} is not caught`, async () => {
    if (Object.keys(scope).length === 0) return
    const start = await store.save(inScope('inside'))
    await store.save(outside('elsewhere'))
    await store.remove('elsewhere')
    await saveHost('scope-h')
    expect(await since(start)).toBeUndefined()
  })
})

test('jobs, quotas, hosts and roles have scopes of their own', async () => {
  const start = await store.save(taskIn('own', 'own-1'))
  const check = (entity: string, scope: object) => failed({ entity, scope, unchangedSince: start })
  const of = (changed: number) => [{ index: 0, expected: { unchangedSince: start }, found: { changed } }]
  const tasks = await store.save(taskIn('own', 'own-2', { task: configIn('own', 'other') }))
  expect(await check('job', { role: 'own' })).toEqual(of(tasks))
  expect(await check('job', { job: 'own/prod/hello' })).toBeUndefined()
  expect(await check('quota', { role: 'own' })).toBeUndefined()
  await saveQuota('own')
  const removed = await removeQuota('own')
  expect(await check('quota', { role: 'own' })).toEqual(of(removed))
  expect(await check('role', { role: 'own' })).toEqual(of(removed))
  expect(await check('job', { role: 'own' })).toEqual(of(tasks))
  const drained = await saveHost('own-h', 'DRAINED')
  expect(await check('host', { host: 'own-h' })).toEqual(of(drained))
  expect(await check('host', { host: 'own-other' })).toBeUndefined()
  expect(await check('task', { job: `${JOB.role}/none/none` })).toBeUndefined()
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

test('of many that want the same, one gets it', async () => {
  await store.save(taskIn('race', 'race-1'))
  const claim = (index: number) =>
    api.transact(
      [{ op: 'mutateTasks', query: { taskIds: ['race-1'] }, patch: { slaveHost: `h${index}`, status: 'ASSIGNED' } }],
      {
        preconditions: [{ entity: 'task', key: 'race-1', where: { status: 'PENDING' } }],
      },
    )
  const claims = await Promise.all(Array.from({ length: 20 }, (_, index) => claim(index)))
  const winners = claims.flatMap(({ status }, index) => (status === 200 ? [index] : []))
  expect(winners).toHaveLength(1)
  expect((await store.fetch('race-1')).assignedTask.slaveHost).toBe(`h${winners[0]}`)

  const { lsn } = await api.state()
  const fill = (index: number) =>
    api.transact([{ op: 'saveTasks', tasks: [taskIn('fill', `fill-${index}`)] }], {
      preconditions: [{ entity: 'task', scope: { role: 'fill' }, unchangedSince: lsn }],
    })
  const fills = await Promise.all(Array.from({ length: 20 }, (_, index) => fill(index)))
  expect(fills.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(await store.ids('role=fill')).toHaveLength(1)
})
