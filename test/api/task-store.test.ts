import { afterAll, expect, test } from 'vitest'
import { scheduledTask } from '../../lib/model/task.ts'
import { assertFullyPopulated } from '../support/fully-populated.ts'
import { type config, fullConfig, fullTask, task } from '../support/records.ts'
import { configIn, TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** Aurora's AbstractTaskStoreTest through HTTP; the name of its case stands in parentheses. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })

const store = new TaskStore(api)

async function roundTrip(taskId: string, overrides: Partial<ReturnType<typeof config>>): Promise<void> {
  const saved = task(taskId, { task: { ...fullConfig, ...overrides } })
  const version = await store.save(saved)
  expect(await store.fetch(taskId)).toEqual({ ...saved, timesPartitioned: 0, version })
}

test('a fully populated task comes back with every field, and a save under its id overwrites it (testSave)', async () => {
  const [one, two] = [fullTask('save-1'), fullTask('save-2')]
  assertFullyPopulated(scheduledTask, one, ['version'])
  const first = await store.save(one)
  expect(await store.fetch('save-1')).toEqual({ ...one, version: first })
  const second = await store.save(two)
  expect(await store.ids('taskId=save-1&taskId=save-2')).toEqual(['save-1', 'save-2'])
  expect(await store.fetch('save-1')).toEqual({ ...one, version: first })

  const changed = { ...two, status: 'FINISHED', taskEvents: [] }
  const third = await store.save(changed)
  expect(third).toBeGreaterThan(second)
  expect(await store.fetch('save-2')).toEqual({ ...changed, version: third })
  expect(await store.ids('taskId=save-1&taskId=save-2')).toEqual(['save-1', 'save-2'])
})

test('a record that was read can be saved as it is', async () => {
  await store.save(fullTask('read-and-save'))
  const read = await store.fetch('read-and-save')
  const version = await store.save(read)
  expect(await store.fetch('read-and-save')).toEqual({ ...read, version })
})

test('two metadata with one key are both kept (testSaveWithMetadata)', async () => {
  await roundTrip('metadata', {
    metadata: [
      { key: 'package', value: 'a' },
      { key: 'package', value: 'b' },
    ],
  })
})

test('fetcher URIs keep their flags, set or not (testSaveWithMesosFetcherUris)', async () => {
  await roundTrip('uris', {
    mesosFetcherUris: [
      { value: 'pathA', extract: true, cache: true },
      { value: 'pathB', extract: false, cache: false },
      { value: 'pathC' },
    ],
  })
})

test('volumes keep their modes and their order (testSaveWithContainerVolumes)', async () => {
  const volumes = [
    { containerPath: '/z', hostPath: '/srv/z', mode: 'RW' as const },
    { containerPath: '/a', hostPath: '/srv/a', mode: 'RO' as const },
  ]
  await roundTrip('volumes', { container: { mesos: { image: { docker: { name: 'i', tag: 't' } }, volumes } } })
})

test('a docker image of a Mesos container is kept (testSaveWithDockerImage)', async () => {
  await roundTrip('docker-image', {
    container: { mesos: { image: { docker: { name: 'some-name', tag: 'some-tag' } } } },
  })
})

test('an appc image is kept (testSaveWithAppcImage)', async () => {
  await roundTrip('appc-image', {
    container: { mesos: { image: { appc: { name: 'some-name', imageId: 'some-id' } } } },
  })
})

test('a docker container keeps its parameters in order', async () => {
  const parameters = [
    { name: 'v', value: '2' },
    { name: 'a', value: '1' },
  ]
  await roundTrip('docker-container', { container: { docker: { image: 'nginx', parameters } } })
})

test('several ports are kept, and saving what was read changes nothing (testSaveWithMultiplePorts)', async () => {
  await store.save(taskIn('ports', 'ports-1', { assignedPorts: { http: 1_000, mail: 25 } }))
  const read = await store.fetch('ports-1')
  expect(read.assignedTask.assignedPorts).toEqual({ http: 1_000, mail: 25 })
  const version = await store.save(read)
  expect(await store.fetch('ports-1')).toEqual({ ...read, version })
  expect(await store.ids('role=ports')).toEqual(['ports-1'])
})

test('a hundred instances of a job are all found (testQueryMultipleInstances)', async () => {
  const tasks = Array.from({ length: 100 }, (_, instanceId) =>
    taskIn('many', `many-${String(instanceId).padStart(3, '0')}`, { instanceId }),
  )
  await store.save(...tasks)
  const found = await api.list('/v1/tasks?role=many&limit=7')
  expect(found.map((each) => each.assignedTask.instanceId)).toEqual(tasks.map((_, index) => index))
})

test('a mutation is seen by queries of the status, and other tasks are left alone (testMutate)', async () => {
  const saved = [taskIn('mutate', 'mutate-a'), taskIn('mutate', 'mutate-b'), taskIn('mutate', 'mutate-c')]
  const version = await store.save(...saved)
  expect(await store.ids('role=mutate&status=RUNNING')).toEqual([])
  expect(await store.mutate({ taskIds: ['mutate-a'] }, { status: 'RUNNING' })).toEqual(['mutate-a'])
  expect(await store.ids('role=mutate&status=RUNNING')).toEqual(['mutate-a'])
  expect(await store.ids('role=mutate&status=PENDING')).toEqual(['mutate-b', 'mutate-c'])
  expect(await store.fetch('mutate-b')).toEqual({ ...saved[1], timesPartitioned: 0, version })

  const { body } = await api.transact([
    { op: 'mutateTasks', query: { taskIds: ['no-such-task'] }, patch: { status: 'RUNNING' } },
  ])
  expect(body.results).toEqual([{ op: 'mutateTasks', affected: 0, taskIds: [] }])
  expect((await api.get('/v1/tasks/no-such-task')).status).toBe(404)
})

test('a mutation that changes nothing writes nothing, and the version stays (testMutate)', async () => {
  const version = await store.save(taskIn('unchanged', 'unchanged-1'))
  const { body } = await api.transact([
    { op: 'mutateTasks', query: { taskIds: ['unchanged-1'] }, patch: { status: 'PENDING' } },
  ])
  expect(body.results).toEqual([{ op: 'mutateTasks', affected: 1, taskIds: ['unchanged-1'] }])
  expect(body.lsn).toBe(version)
  expect((await store.fetch('unchanged-1')).version).toBe(version)
})

test('a mutation can neither change the id nor take away what a task must have (testMutate)', async () => {
  await store.save(taskIn('fixed', 'fixed-1'))
  for (const patch of [
    { taskId: 'fixed-2' },
    { status: null },
    { task: null },
    { instanceId: 1 },
    { failureCount: null },
  ]) {
    const { status, body } = await api.transact([{ op: 'mutateTasks', query: { taskIds: ['fixed-1'] }, patch }])
    expect([status, body.code], JSON.stringify(patch)).toEqual([400, 'invalid_field'])
  }
})

test('a mutation sets every field it names and appends its event', async () => {
  await store.save(taskIn('every', 'every-1'))
  const other = configIn('every', 'other')
  const event = { timestamp: 1, status: 'RUNNING', message: 'm', scheduler: 's' }
  const patch = {
    ...{ status: 'RUNNING', slaveHost: 'h', slaveId: 'a', failureCount: 3, timesPartitioned: 2 },
    ...{ assignedPorts: { p: 1 }, ancestorId: 'every-0', task: other },
  }
  const { body } = await api.transact([{ op: 'mutateTasks', query: { taskIds: ['every-1'] }, patch, event }])
  const events = [...taskIn('every', 'every-1').taskEvents!, event]
  expect(await store.fetch('every-1')).toEqual({
    assignedTask: {
      taskId: 'every-1',
      instanceId: 0,
      slaveHost: 'h',
      slaveId: 'a',
      assignedPorts: { p: 1 },
      task: other,
    },
    ...{ status: 'RUNNING', failureCount: 3, timesPartitioned: 2, ancestorId: 'every-0', taskEvents: events },
    version: body.lsn,
  })
  await store.mutate(
    { taskIds: ['every-1'] },
    { slaveHost: null, slaveId: null, ancestorId: null, assignedPorts: null },
  )
  const cleared = await store.fetch('every-1')
  expect(cleared.assignedTask).toEqual({ taskId: 'every-1', instanceId: 0, assignedPorts: {}, task: other })
  expect(cleared).not.toHaveProperty('ancestorId')
})

test('one task or several are removed; unknown ones are ignored (testDelete)', async () => {
  await store.save(taskIn('delete', 'delete-a'), taskIn('delete', 'delete-b'), taskIn('delete', 'delete-c'))
  expect(await store.remove('delete-a')).toEqual(['delete-a'])
  expect(await store.remove('delete-a')).toEqual([])
  expect(await store.ids('role=delete')).toEqual(['delete-b', 'delete-c'])
  expect(await store.remove('delete-b', 'delete-c', 'never-there', 'delete-c')).toEqual(['delete-b', 'delete-c'])
  expect(await store.ids('role=delete')).toEqual([])
  expect((await api.get('/v1/roles/delete')).status).toBe(404)
})

test('everything is removed when everything is asked for, and tasks alone (testDeleteAll)', async () => {
  await store.save(taskIn('all', 'all-a'), taskIn('all-2', 'all-b', { status: 'FINISHED' }))
  const hostAttributes = { host: 'stays', mode: 'NONE', attributes: [] }
  await api.transact([{ op: 'saveHostAttributes', hostAttributes }])
  await api.transact([{ op: 'removeTasks', query: { all: true } }])
  expect(await api.list('/v1/tasks')).toEqual([])
  expect(await api.list('/v1/jobs')).toEqual([])
  expect((await api.query('select count(*) from task_config')).body.rows).toEqual([{ count: 0 }])
  expect((await api.get('/v1/hosts/stays')).status).toBe(200)
})

test('equal configs are stored once, and go with the last task that has them (testCanonicalTaskConfigs)', async () => {
  const stored = async () => {
    const { body } = await api.query(`select config_id from task_config where config -> 'job' ->> 'role' = 'canonical'`)
    return body.rows.length
  }
  const reordered = configIn('canonical')
  reordered.resources = [...reordered.resources!].reverse()
  await store.save(taskIn('canonical', 'canonical-1'), taskIn('canonical', 'canonical-2', { task: reordered }))
  await store.save(taskIn('canonical', 'canonical-3'))
  expect(await stored()).toBe(1)
  expect((await store.fetch('canonical-2')).assignedTask.task).toEqual(
    (await store.fetch('canonical-1')).assignedTask.task,
  )
  await store.remove('canonical-1', 'canonical-2')
  expect(await stored()).toBe(1)
  await store.remove('canonical-3')
  expect(await stored()).toBe(0)
})
