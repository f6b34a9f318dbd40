import { afterAll, describe, expect, test } from 'vitest'
import { describePreconditions, failedPreconditions } from '../support/preconditions.ts'
import { host, quota } from '../support/records.ts'
import { configIn, TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** Preconditions of every form, for every entity, through HTTP. */

const api = await memoryApi({ cleanup: afterAll })
const store = new TaskStore(api)

const failed = (...preconditions: unknown[]) => failedPreconditions(api, preconditions)

async function transact(...operations: unknown[]): Promise<number> {
  const { status, body } = await api.transact(operations)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.lsn
}

const saveQuota = (role: string, cpus = 1) => transact({ op: 'saveQuota', role, quota: quota(cpus) })
const removeQuota = (role: string) => transact({ op: 'removeQuota', role })
const saveHost = (name: string, mode: 'NONE' | 'DRAINED' = 'NONE') =>
  transact({ op: 'saveHostAttributes', hostAttributes: host(name, { mode }) })

/** For each entity: how a row of it comes to be under a key of the test's own, and that key. */
const ENTITIES = [
  ['task', (id: string) => id, (id: string) => store.save(taskIn(id, id))],
  ['job', (id: string) => `${id}/prod/hello`, (id: string) => store.save(taskIn(id, id))],
  ['role', (id: string) => id, (id: string) => store.save(taskIn(id, id))],
  ['quota', (id: string) => id, (id: string) => saveQuota(id)],
  ['host', (id: string) => id, (id: string) => saveHost(id)],
] as const

describePreconditions(ENTITIES, failed)

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

test('what leaves a role changes it: its version is that of the last departure, in answers and in preconditions', async () => {
  const first = await store.save(taskIn('leaving', 'stays'))
  await store.save(taskIn('leaving', 'goes', { task: configIn('leaving', 'other') }))
  const { body } = await api.transact([{ op: 'removeTasks', taskIds: ['goes'] }])
  expect((await api.get('/v1/roles/leaving')).body).toMatchObject({ jobs: 1, changedLsn: body.lsn })
  const held = (version: number) =>
    api.transact([], { preconditions: [{ entity: 'role', key: 'leaving', version }] }).then(({ status }) => status)
  expect([await held(first), await held(body.lsn)]).toEqual([409, 200])
})
