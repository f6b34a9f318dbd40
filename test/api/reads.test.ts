import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ACTIVE_STATUSES, SCHEDULE_STATUSES, TERMINAL_STATUSES } from '../../lib/model/schedule-status.ts'
import { config, host, quota } from '../support/records.ts'
import { configIn, TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** Lists and records over HTTP: filters, pages, summaries, what is not there. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new TaskStore(api)

async function transact(...operations: unknown[]): Promise<number> {
  const { status, body } = await api.transact(operations)
  expect(status, JSON.stringify(body)).toBe(200)
  return body.lsn
}

describe('filters of tasks', () => {
  beforeAll(async () => {
    await store.save(
      taskIn('f-1', 'f-a', { status: 'RUNNING', slaveHost: 'f-h1', instanceId: 0 }),
      taskIn('f-1', 'f-b', { status: 'FINISHED', slaveHost: 'f-h2', instanceId: 1 }),
      taskIn('f-1', 'f-c', { task: configIn('f-1', 'other', 'test'), instanceId: 2 }),
      taskIn('f-2', 'f-d', { task: configIn('f-2', 'hello', 'test'), status: 'LOST', instanceId: 1 }),
      taskIn('f-2', 'f-e', { task: configIn('f-2', 'other', 'prod'), status: 'INIT', slaveHost: 'f-h1' }),
    )
  })

  test.each([
    ['a repeated role is either', 'role=f-1&role=f-2', 'abcde'],
    ['a repeated environment is either', 'role=f-2&environment=test&environment=prod', 'de'],
    ['a repeated job name is either', 'role=f-1&jobName=hello&jobName=other', 'abc'],
    ['a repeated job is either', 'jobKey=f-1/prod/hello&jobKey=f-2/test/hello', 'abd'],
    ['a repeated id is either', 'taskId=f-a&taskId=f-e&taskId=f-a', 'ae'],
    ['a repeated instance is either', 'role=f-1&role=f-2&instanceId=1&instanceId=2', 'bcd'],
    ['a repeated status is either', 'role=f-1&role=f-2&status=LOST&status=INIT', 'de'],
    ['a repeated host is either', 'slaveHost=f-h1&slaveHost=f-h2', 'abe'],
    ['different parameters must all hold', 'role=f-1&role=f-2&environment=prod&jobName=hello&status=RUNNING', 'a'],
    ['a host and a role must both hold', 'slaveHost=f-h1&role=f-2', 'e'],
    ['a job and an id must both hold', 'jobKey=f-1/prod/hello&taskId=f-c', ''],
    ['active is short for its statuses', 'role=f-1&role=f-2&active=true', 'ac'],
    ['terminal is short for its statuses', 'role=f-1&role=f-2&terminal=true', 'bd'],
    ['active and a status must both hold', 'role=f-1&active=true&status=FINISHED', ''],
    ['active and terminal exclude each other', 'role=f-1&active=true&terminal=true', ''],
  ])('%s', async (_name, query, expected) => {
    const ids = await store.ids(query)
    expect(ids.map((id) => id.slice('f-'.length)).join('')).toBe(expected)
    expect(await store.ids(`${query}&limit=1`)).toEqual(ids)
  })

  test('every status is active, terminal, or INIT', async () => {
    const tasks = SCHEDULE_STATUSES.map((status) => taskIn('status', `status-${status}`, { status }))
    await store.save(...tasks)
    const found = async (query: string) =>
      (await store.ids(`role=status&${query}`)).map((id) => id.slice('status-'.length))
    expect(await found('active=true')).toEqual([...ACTIVE_STATUSES].sort())
    expect(await found('terminal=true')).toEqual([...TERMINAL_STATUSES].sort())
    for (const status of SCHEDULE_STATUSES) expect(await found(`status=${status}`)).toEqual([status])
    const { tasks: counts, active, terminal } = (await api.get('/v1/jobs/status/prod/hello')).body
    expect(counts).toEqual(Object.fromEntries(SCHEDULE_STATUSES.map((status) => [status, 1])))
    expect([active, terminal]).toEqual([ACTIVE_STATUSES.length, TERMINAL_STATUSES.length])
  })
})

describe('pages', () => {
  test('come in the order of the primary key, byte by byte', async () => {
    const ids = ['order-A', 'order-Z', 'order-a', 'order-é', 'order-\uffee', 'order-😀']
    await store.save(...[...ids].reverse().map((id) => taskIn('order', id)))
    expect(await store.ids('role=order&limit=2')).toEqual(ids)
    expect(await store.mutate({ role: 'order' }, { failureCount: 1 })).toEqual(ids)
  })

  test('go on where they were while rows come and go', async () => {
    const id = (letter: string) => `stable-${letter}`
    const save = (letters: string) => store.save(...[...letters].map((letter) => taskIn('stable', id(letter))))
    await save('bdfhjl')
    const seen: string[] = []
    const page = async (cursor?: string) => {
      const { body } = await api.get(`/v1/tasks?role=stable&limit=2${cursor === undefined ? '' : `&cursor=${cursor}`}`)
      for (const { assignedTask } of body.items) seen.push(assignedTask.taskId.slice('stable-'.length))
      return body.nextCursor as string | undefined
    }
    const first = await page()
    await store.remove(id('b'), id('d'), id('f'))
    await save('aceg')
    const second = await page(first)
    await save('i')
    await store.remove(id('j'))
    const third = await page(second)
    expect(await page(third)).toBeUndefined()
    // Each row that was there all the time comes once; one that came behind the cursor comes too.
    expect(seen.join('')).toBe('bdeghil')
    expect(await page(first)).toBeDefined()
  })

  test('the last page has no cursor, also when it is full; an empty list is a page', async () => {
    await store.save(taskIn('last', 'last-1'), taskIn('last', 'last-2'))
    expect((await api.get('/v1/tasks?role=last&limit=2')).body).not.toHaveProperty('nextCursor')
    expect((await api.get('/v1/tasks?role=last&limit=1')).body).toHaveProperty('nextCursor')
    expect((await api.get('/v1/tasks?role=nobody')).body).toEqual({ items: [] })
  })

  test('have a hundred records when nothing is said', async () => {
    await store.save(...Array.from({ length: 101 }, (_, index) => taskIn('default', `default-${index}`)))
    expect((await api.get('/v1/tasks?role=default')).body.items).toHaveLength(100)
    expect((await api.get('/v1/tasks?role=default&limit=1000')).body.items).toHaveLength(101)
  })

  test('end early at 5 MB, and the next one goes on', async () => {
    const data = 'x'.repeat(1_200_000)
    const large = (id: string) =>
      taskIn('large', id, { task: { ...configIn('large'), executorConfig: { name: 'thermos', data: id + data } } })
    for (const id of ['large-1', 'large-2', 'large-3', 'large-4', 'large-5']) await store.save(large(id))
    const { body } = await api.get('/v1/tasks?role=large')
    expect(body.items).toHaveLength(4)
    expect((await api.get(`/v1/tasks?role=large&cursor=${body.nextCursor}`)).body.items).toHaveLength(1)
  })

  test('cost a page, also when many tasks share a large config', async () => {
    const shared = { ...configIn('shared'), executorConfig: { name: 'thermos', data: 'x'.repeat(4_000_000) } }
    await store.save(...Array.from({ length: 200 }, (_, index) => taskIn('shared', `shared-${index}`)))
    await transact({ op: 'mutateTasks', query: { role: 'shared' }, patch: { task: shared } })
    const before = process.memoryUsage.rss()
    expect((await api.get('/v1/tasks?role=shared&limit=1000')).body.items).toHaveLength(1)
    // All records together would take 800 MB.
    expect(process.memoryUsage.rss() - before).toBeLessThan(300 * 1024 * 1024)
    await transact({ op: 'removeTasks', query: { role: 'shared' } })
  })

  test('a record larger than a page comes alone', async () => {
    const event = (index: number) => ({ timestamp: index, status: 'LOST', message: 'x'.repeat(1_500_000) })
    await store.save(taskIn('huge', 'huge-1'), taskIn('huge', 'huge-2'), taskIn('huge', 'huge-3'))
    for (let index = 0; index < 4; index++) {
      await transact({ op: 'mutateTasks', query: { taskIds: ['huge-2'] }, event: event(index) })
    }
    const sizes: number[] = []
    let cursor = ''
    do {
      const { body } = await api.get(`/v1/tasks?role=huge${cursor}`)
      sizes.push(body.items.length)
      cursor = body.nextCursor === undefined ? '' : `&cursor=${body.nextCursor}`
    } while (cursor !== '')
    expect(sizes).toEqual([1, 1, 1])
    expect((await store.fetch('huge-2')).taskEvents).toHaveLength(5)
  })
})

describe('summaries', () => {
  test('a job has its tasks by status, as they are now', async () => {
    const version = await store.save(
      taskIn('sum', 'sum-1', { status: 'RUNNING' }),
      taskIn('sum', 'sum-2', { status: 'RUNNING' }),
      taskIn('sum', 'sum-3', { status: 'FAILED' }),
      taskIn('sum', 'sum-4', { task: configIn('sum', 'other', 'test'), status: 'INIT' }),
    )
    const hello = {
      key: { role: 'sum', environment: 'prod', name: 'hello' },
      ...{ tasks: { RUNNING: 2, FAILED: 1 }, active: 2, terminal: 1, changedLsn: version },
    }
    const other = {
      key: { role: 'sum', environment: 'test', name: 'other' },
      ...{ tasks: { INIT: 1 }, active: 0, terminal: 0, changedLsn: version },
    }
    expect((await api.get('/v1/jobs/sum/prod/hello')).body).toEqual(hello)
    expect(await api.list('/v1/jobs?role=sum')).toEqual([hello, other])
    expect(await api.list('/v1/jobs?role=sum&limit=1')).toEqual([hello, other])
    expect(await api.list('/v1/jobs?role=sum&environment=test')).toEqual([other])
    expect(await api.list('/v1/jobs?role=sum&environment=test&environment=prod')).toEqual([hello, other])

    const changed = await transact(
      { op: 'mutateTasks', query: { taskIds: ['sum-1'] }, patch: { status: 'LOST' } },
      { op: 'saveQuota', role: 'sum', quota: quota(1) },
    )
    const role = (await api.get('/v1/roles/sum')).body
    expect(role).toEqual({
      ...{
        role: 'sum',
        jobs: 2,
        cronJobs: 0,
        tasks: { INIT: 1, RUNNING: 1, FAILED: 1, LOST: 1 },
        active: 1,
        terminal: 2,
      },
      ...{ quota: quota(1), changedLsn: changed },
    })
    expect((await api.list('/v1/roles?limit=2')).filter((each) => each.role === 'sum')).toEqual([role])
  })

  test('roles are listed in order, those with a quota alone among them', async () => {
    await store.save(taskIn('roles-a', 'roles-1'), taskIn('roles-c', 'roles-2'))
    await transact(...['roles-b', 'roles-c', 'roles-d'].map((role) => ({ op: 'saveQuota', role, quota: quota(1) })))
    const found = async (limit: number) =>
      (await api.list(`/v1/roles?limit=${limit}`)).map(({ role }) => role).filter((role) => role.startsWith('roles-'))
    for (const limit of [1, 2, 3, 1_000])
      expect(await found(limit)).toEqual(['roles-a', 'roles-b', 'roles-c', 'roles-d'])
  })

  test('hosts are listed by mode, quotas by role', async () => {
    const modes = ['NONE', 'DRAINING', 'DRAINED'] as const
    await transact(
      ...modes.map((mode) => ({ op: 'saveHostAttributes', hostAttributes: host(`mode-${mode}`, { mode }) })),
    )
    const found = async (query: string) =>
      (await api.list(`/v1/hosts${query}`)).map((each) => each.host).filter((name) => name.startsWith('mode-'))
    expect(await found('?mode=DRAINING')).toEqual(['mode-DRAINING'])
    expect(await found('?mode=NONE&mode=DRAINED&limit=1')).toEqual(['mode-DRAINED', 'mode-NONE'])
    expect(await found('')).toEqual(['mode-DRAINED', 'mode-DRAINING', 'mode-NONE'])
    await transact(...['q-b', 'q-a'].map((role) => ({ op: 'saveQuota', role, quota: quota(1) })))
    const quotas = (await api.list('/v1/quotas?limit=1'))
      .map(({ role }) => role)
      .filter((role) => role.startsWith('q-'))
    expect(quotas).toEqual(['q-a', 'q-b'])
  })
})

test.each([
  '/v1/tasks/nobody',
  '/v1/jobs/a/b/nobody',
  '/v1/roles/nobody',
  '/v1/hosts/nobody',
  '/v1/quotas/nobody',
  '/v1/log/999999',
])('%s is not found, and the answer says what', async (path) => {
  const { status, body, headers } = await api.get(path)
  expect([status, body.code, headers.get('content-type')]).toEqual([404, 'not_found', 'application/problem+json'])
  expect(body.detail).toMatch(/nobody|999999/)
})

test('a config with defaults comes back with them', async () => {
  const { isService, priority, maxTaskFailures, container, ...least } = config({
    job: { role: 'least', environment: 'e', name: 'n' },
  })
  await store.save({ assignedTask: { taskId: 'least', instanceId: 0, task: least }, status: 'INIT' })
  expect(await store.fetch('least')).toMatchObject({
    assignedTask: {
      assignedPorts: {},
      task: { ...least, isService: false, priority: 0, maxTaskFailures: 1, container: { mesos: {} } },
    },
    ...{ failureCount: 0, timesPartitioned: 0, taskEvents: [] },
  })
})
