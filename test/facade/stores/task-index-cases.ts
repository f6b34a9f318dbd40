import { expect, test } from 'vitest'
import type { JobKey, ScheduledTask, Storage, TaskInput } from '../../../lib/index.ts'
import { configIn, taskIn } from '../../support/task-store.ts'

/** Aurora's AbstractTaskStoreTest: what is found by job and by host follows the tasks, whichever way they change. */
export function taskIndexCases(storage: Storage): void {
  const save = (...given: TaskInput[]) => storage.write(({ tasks }) => tasks.save(given))
  const remove = (...which: string[]) => storage.write(({ tasks }) => tasks.remove(which))
  const mutate = (taskId: string, change: (task: ScheduledTask) => TaskInput) =>
    storage.write(({ tasks }) => tasks.mutate(taskId, change))
  const idsOf = (found: ScheduledTask[]) => found.map(({ assignedTask }) => assignedTask.taskId)
  const onHosts = async (...slaveHosts: string[]) =>
    idsOf(await storage.consistentRead(({ tasks }) => tasks.fetch({ slaveHosts })))
  const ofJob = async (key: JobKey) =>
    idsOf(await storage.consistentRead(({ tasks }) => tasks.fetch({ jobKeys: [key] })))
  const jobKeys = async (prefix: string) => {
    const all = await storage.consistentRead(({ tasks }) => tasks.jobKeys())
    return all.filter(({ role }) => role.startsWith(prefix))
  }
  const moveTo = (host: string | undefined) => (task: ScheduledTask) => {
    const { slaveHost: _, ...assignedTask } = task.assignedTask
    return { ...task, assignedTask: { ...assignedTask, ...(host === undefined ? {} : { slaveHost: host }) } }
  }

  test('tasks are found by one host and by several [testQueryBySlaveHost]', async () => {
    await save(
      taskIn('host', 'host-a', { slaveHost: 'host-1' }),
      taskIn('host', 'host-b', { slaveHost: 'host-2' }),
      taskIn('host', 'host-c'),
    )
    expect(await onHosts('host-1')).toEqual(['host-a'])
    expect(await onHosts('host-2', 'host-1')).toEqual(['host-a', 'host-b'])
    expect(await onHosts('host-3')).toEqual([])
  })

  test('two tasks on one host are both found [testTasksOnSameHost]', async () => {
    await save(taskIn('same', 'same-a', { slaveHost: 'same-h' }), taskIn('same', 'same-b', { slaveHost: 'same-h' }))
    expect(await onHosts('same-h')).toEqual(['same-a', 'same-b'])
  })

  test('a task is found on the host it has come to, and no more on the one before [testAddSlaveHost]', async () => {
    await save(taskIn('add', 'add-1'))
    expect(await onHosts('add-h1', 'add-h2')).toEqual([])
    await mutate('add-1', moveTo('add-h1'))
    expect(await onHosts('add-h1')).toEqual(['add-1'])
    await mutate('add-1', moveTo('add-h2'))
    expect(await onHosts('add-h1')).toEqual([])
    expect(await onHosts('add-h2')).toEqual(['add-1'])
    await remove('add-1')
    expect(await onHosts('add-h1', 'add-h2')).toEqual([])
  })

  test('a task that has left its host is found by id alone [testUnsetSlaveHost]', async () => {
    await save(
      taskIn('unset', 'unset-1', { slaveHost: 'unset-h' }),
      taskIn('unset', 'unset-2', { slaveHost: 'unset-h' }),
    )
    await mutate('unset-1', moveTo(undefined))
    await storage.write(({ tasks }) => tasks.mutateMany({ taskIds: ['unset-2'] }, { slaveHost: null }))
    expect(await onHosts('unset-h')).toEqual([])
    const found = await storage.consistentRead(({ tasks }) => tasks.fetch({ taskIds: ['unset-1', 'unset-2'] }))
    expect(found.map(({ assignedTask }) => [assignedTask.taskId, assignedTask.slaveHost])).toEqual([
      ['unset-1', undefined],
      ['unset-2', undefined],
    ])
  })

  test('a job has its tasks whichever way they come, change and go [testConsistentJobIndex]', async () => {
    const names: [string, string, string][] = [
      ['jobs-1', 'prod', 'a'],
      ['jobs-1', 'prod', 'b'],
      ['jobs-1', 'test', 'a'],
      ['jobs-2', 'prod', 'a'],
    ]
    const [a, b, c, d] = names.map(([role, environment, name], index) =>
      taskIn(role, `jobs-${'abcd'[index]}`, { task: configIn(role, name, environment) }),
    ) as [TaskInput, TaskInput, TaskInput, TaskInput]
    const expectJobs = async (...expected: string[][]) => {
      const found = await Promise.all(names.map(([role, environment, name]) => ofJob({ role, environment, name })))
      expect(found).toEqual(expected)
    }
    await save(a, b, c, d)
    await expectJobs(['jobs-a'], ['jobs-b'], ['jobs-c'], ['jobs-d'])
    await remove('jobs-b')
    await expectJobs(['jobs-a'], [], ['jobs-c'], ['jobs-d'])
    await mutate('jobs-a', (task) => ({ ...task, status: 'RUNNING' }))
    await expectJobs(['jobs-a'], [], ['jobs-c'], ['jobs-d'])
    await remove('jobs-b')
    await save(b)
    await expectJobs(['jobs-a'], ['jobs-b'], ['jobs-c'], ['jobs-d'])
    await save({ ...a, assignedTask: { ...a.assignedTask, task: configIn('jobs-2', 'a') } })
    await expectJobs([], ['jobs-b'], ['jobs-c'], ['jobs-a', 'jobs-d'])
    await remove('jobs-a', 'jobs-b', 'jobs-c', 'jobs-d')
    await expectJobs([], [], [], [])
    await save(a)
    await expectJobs(['jobs-a'], [], [], [])
  })

  test('a job key is there as long as one of its tasks is, once [testGetsJobKeys]', async () => {
    const [one, two] = ['keys-1', 'keys-2'].map((role) => ({ role, environment: 'prod', name: 'hello' }))
    expect(await jobKeys('keys-')).toEqual([])
    await save(taskIn('keys-1', 'keys-a'), taskIn('keys-1', 'keys-b', { instanceId: 1 }), taskIn('keys-2', 'keys-c'))
    expect(await jobKeys('keys-')).toEqual([one, two])
    await remove('keys-a')
    expect(await jobKeys('keys-')).toEqual([one, two])
    await remove('keys-b')
    expect(await jobKeys('keys-')).toEqual([two])
    await remove('keys-c')
    expect(await jobKeys('keys-')).toEqual([])
  })

  test('nothing points to a task that has gone [testSecondaryIndexConsistency]', async () => {
    const on = (taskId: string) => taskIn('gone', taskId, { slaveHost: 'gone-h' })
    await save(on('gone-a'), on('gone-b'))
    await remove('gone-a', 'gone-b')
    const job = { role: 'gone', environment: 'prod', name: 'hello' }
    expect([await onHosts('gone-h'), await ofJob(job), await jobKeys('gone')]).toEqual([[], [], []])
    const summaries = await storage.consistentRead(({ jobs, roles }) => Promise.all([jobs.get(job), roles.get('gone')]))
    expect(summaries).toEqual([undefined, undefined])
  })

  test('whoever reads while others write finds whole jobs [testReadSecondaryIndexMultipleThreads]', async () => {
    const TASKS = 20
    const tasksOf = (role: string, status: 'PENDING' | 'RUNNING') =>
      Array.from({ length: TASKS }, (_, id) => taskIn(role, `${role}-${id}`, { instanceId: id, status }))
    const roles = [0, 1, 2, 3].map((index) => `threads-${index}`)
    await save(...roles.flatMap((role) => tasksOf(role, 'PENDING')))
    const write = async (role: string) => {
      for (const status of ['RUNNING', 'PENDING', 'RUNNING'] as const) await save(...tasksOf(role, status))
      await storage.write(({ tasks }) => tasks.remove({ role }))
    }
    const read = async (role: string) => {
      for (let round = 0; round < 5; round++) {
        const found = await storage.consistentRead(({ tasks }) =>
          tasks.fetch({ role, environment: 'prod', jobName: 'hello' }),
        )
        expect([0, TASKS]).toContain(found.length)
        expect(new Set(found.map(({ status }) => status)).size).toBeLessThanOrEqual(1)
      }
    }
    await Promise.all(roles.flatMap((role) => [write(role), read(role)]))
    expect(await jobKeys('threads-')).toEqual([])
  })
}
