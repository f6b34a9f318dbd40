import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { configIn, TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** The query and index cases of Aurora's AbstractTaskStoreTest through HTTP, with the name of the case. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new TaskStore(api)

describe('queries (testQuery)', () => {
  beforeAll(async () => {
    await store.save(
      taskIn('query', 'query-a', { instanceId: 0 }),
      taskIn('query', 'query-b', { instanceId: 1, status: 'RUNNING' }),
      taskIn('query', 'query-c', { instanceId: 1, status: 'FINISHED' }),
      taskIn('query', 'query-d', { task: configIn('query', 'hello', 'test'), status: 'KILLED' }),
      taskIn('query-2', 'query-e', { status: 'RUNNING', instanceId: 2 }),
    )
  })

  test.each([
    ['one id', 'taskId=query-b', ['query-b']],
    ['several ids', 'taskId=query-b&taskId=query-e&taskId=nobody', ['query-b', 'query-e']],
    ['an id that nobody has', 'taskId=nobody', []],
    ['role', 'role=query', ['query-a', 'query-b', 'query-c', 'query-d']],
    ['role and environment', 'role=query&environment=test', ['query-d']],
    ['environment alone', 'environment=test&taskId=query-a&taskId=query-d', ['query-d']],
    ['job name', 'jobName=hello&role=query-2', ['query-e']],
    ['status', 'role=query&status=RUNNING', ['query-b']],
    ['several statuses', 'role=query&status=RUNNING&status=KILLED', ['query-b', 'query-d']],
    ['instance', 'role=query&instanceId=1', ['query-b', 'query-c']],
    ['instance and active', 'role=query&instanceId=1&active=true', ['query-b']],
    ['job and active', 'jobKey=query/prod/hello&active=true', ['query-a', 'query-b']],
    ['job and terminal', 'jobKey=query/prod/hello&terminal=true', ['query-c']],
    ['job that nobody has', 'jobKey=query/prod/nothing', []],
  ])('by %s', async (_name, query, expected) => {
    expect(await store.ids(query)).toEqual(expected)
  })

  test.each([
    ['ids', { taskIds: ['query-a', 'query-e'] }, ['query-a', 'query-e']],
    [
      'role, environment and job name',
      { role: 'query', environment: 'prod', jobName: 'hello' },
      ['query-a', 'query-b', 'query-c'],
    ],
    ['role and statuses', { role: 'query', statuses: ['RUNNING', 'KILLED'] }, ['query-b', 'query-d']],
    [
      'instances of a job',
      { jobKeys: [{ role: 'query', environment: 'prod', name: 'hello' }], instanceIds: [1] },
      ['query-b', 'query-c'],
    ],
    ['a role that nobody has', { role: 'nobody' }, []],
  ])('a mutation finds by %s what a read does', async (_name, query, expected) => {
    expect(await store.mutate(query, {})).toEqual(expected)
  })
})

test('tasks are found by one host and by several (testQueryBySlaveHost)', async () => {
  await store.save(
    taskIn('hosts', 'hosts-1', { slaveHost: 'hosts-a' }),
    taskIn('hosts', 'hosts-2', { slaveHost: 'hosts-b' }),
    taskIn('hosts', 'hosts-3'),
  )
  expect(await store.ids('slaveHost=hosts-a')).toEqual(['hosts-1'])
  expect(await store.ids('slaveHost=hosts-a&slaveHost=hosts-b')).toEqual(['hosts-1', 'hosts-2'])
  expect(await store.ids('slaveHost=hosts-c')).toEqual([])
})

test('two tasks on one host are both found (testTasksOnSameHost)', async () => {
  await store.save(taskIn('same', 'same-1', { slaveHost: 'same-a' }), taskIn('same', 'same-2', { slaveHost: 'same-a' }))
  expect(await store.ids('slaveHost=same-a')).toEqual(['same-1', 'same-2'])
})

test('job keys are alternatives; a role besides must hold too (testQueryByJobKeys)', async () => {
  await store.save(
    taskIn('keys-1', 'keys-a'),
    taskIn('keys-2', 'keys-b'),
    taskIn('keys-2', 'keys-c', { task: configIn('keys-2', 'other') }),
  )
  expect(await store.ids('jobKey=keys-1/prod/hello')).toEqual(['keys-a'])
  expect(await store.ids('jobKey=keys-1/prod/hello&jobKey=keys-2/prod/other')).toEqual(['keys-a', 'keys-c'])
  expect(await store.ids('jobKey=keys-1/prod/hello&jobKey=keys-2/prod/other&role=keys-2')).toEqual(['keys-c'])
  expect(await store.ids('jobKey=keys-1/prod/hello&role=keys-2')).toEqual([])
})

test('a host is found as soon as a task has it, and no longer than that (testAddSlaveHost)', async () => {
  await store.save(taskIn('add', 'add-1'))
  const hosts = async () => [await store.ids('slaveHost=add-a'), await store.ids('slaveHost=add-b')]
  expect(await hosts()).toEqual([[], []])
  await store.mutate({ taskIds: ['add-1'] }, { slaveHost: 'add-a' })
  expect(await hosts()).toEqual([['add-1'], []])
  await store.mutate({ taskIds: ['add-1'] }, { slaveHost: 'add-b' })
  expect(await hosts()).toEqual([[], ['add-1']])
  await store.remove('add-1')
  expect(await hosts()).toEqual([[], []])
})

test('a task without its host is found by its id alone (testUnsetSlaveHost)', async () => {
  await store.save(taskIn('unset', 'unset-1', { slaveHost: 'unset-a', slaveId: 'agent' }))
  await store.mutate({ slaveHosts: ['unset-a'] }, { slaveHost: null })
  expect(await store.ids('slaveHost=unset-a')).toEqual([])
  expect((await store.fetch('unset-1')).assignedTask).not.toHaveProperty('slaveHost')
  expect((await store.fetch('unset-1')).assignedTask.slaveId).toBe('agent')
})

test('a save under an existing id moves the task: no trace of it stays where it was (testSaveOverwrites)', async () => {
  await store.save(taskIn('over', 'over-1', { slaveHost: 'over-a' }))
  await store.save(taskIn('over-2', 'over-1', { slaveHost: 'over-b', status: 'RUNNING' }))
  expect(await store.ids('taskId=over-1')).toEqual(['over-1'])
  expect(await store.ids('slaveHost=over-a')).toEqual([])
  expect(await store.ids('slaveHost=over-b')).toEqual(['over-1'])
  expect(await store.ids('role=over')).toEqual([])
  expect(await store.ids('jobKey=over-2/prod/hello&status=RUNNING')).toEqual(['over-1'])
  expect((await api.get('/v1/jobs/over/prod/hello')).status).toBe(404)
})

test('the jobs of tasks stay right through save, mutation, removal and return (testConsistentJobIndex)', async () => {
  const jobs = [
    configIn('index', 'hello', 'prod'),
    configIn('index', 'hello', 'test'),
    configIn('index', 'other', 'prod'),
    configIn('index-2', 'hello', 'prod'),
  ]
  const [a, b, c, d] = jobs.map((config, index) => taskIn('index', `index-${index}`, { task: config }))
  const found = () => Promise.all(jobs.map(({ job }) => store.ids(`jobKey=${job.role}/${job.environment}/${job.name}`)))
  await store.save(a)
  expect(await found()).toEqual([['index-0'], [], [], []])
  await store.save(b, c, d)
  expect(await found()).toEqual([['index-0'], ['index-1'], ['index-2'], ['index-3']])
  await store.remove('index-1')
  expect(await found()).toEqual([['index-0'], [], ['index-2'], ['index-3']])
  await store.mutate({ taskIds: ['index-0'] }, { status: 'RUNNING' })
  expect(await found()).toEqual([['index-0'], [], ['index-2'], ['index-3']])
  await store.remove('index-1', 'index-0')
  expect(await found()).toEqual([[], [], ['index-2'], ['index-3']])
  await store.save(a, b)
  expect(await found()).toEqual([['index-0'], ['index-1'], ['index-2'], ['index-3']])
})

test('a job is listed while it has a task, once for all its instances (testGetsJobKeys)', async () => {
  const jobs = async () =>
    (await api.list('/v1/jobs?role=jobs&role=jobs-2')).map(({ key }) => `${key.role}/${key.environment}/${key.name}`)
  expect(await jobs()).toEqual([])
  await store.save(taskIn('jobs', 'jobs-1'), taskIn('jobs', 'jobs-2', { instanceId: 1 }), taskIn('jobs-2', 'jobs-3'))
  expect(await jobs()).toEqual(['jobs-2/prod/hello', 'jobs/prod/hello'])
  await store.remove('jobs-1')
  expect(await jobs()).toEqual(['jobs-2/prod/hello', 'jobs/prod/hello'])
  await store.remove('jobs-2')
  expect(await jobs()).toEqual(['jobs-2/prod/hello'])
  await store.remove('jobs-3')
  expect(await jobs()).toEqual([])
})

test('reads during writes see whole transactions (testReadSecondaryIndexMultipleThreads)', async () => {
  const rounds = 25
  const states = ['PENDING', 'RUNNING'] as const
  const pair = (status: 'PENDING' | 'RUNNING') =>
    ['threads-1', 'threads-2'].map((id) => taskIn('threads', id, { status, slaveHost: `threads-${status}` }))
  await store.save(...pair('PENDING'))
  const write = async () => {
    for (let round = 0; round < rounds; round++) await store.save(...pair(states[round % 2]!))
  }
  const read = async () => {
    for (let round = 0; round < rounds; round++) {
      const tasks = await api.list('/v1/tasks?role=threads')
      expect(tasks).toHaveLength(2)
      expect(new Set(tasks.map((found) => `${found.status} ${found.assignedTask.slaveHost}`)).size).toBe(1)
      const { tasks: counts, active } = (await api.get('/v1/jobs/threads/prod/hello')).body
      expect(active).toBe(2)
      expect(Object.values(counts)).toEqual([2])
    }
  }
  await Promise.all([write(), read(), read(), read()])
})
