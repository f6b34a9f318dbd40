import { beforeAll, expect, test } from 'vitest'
import type { JobKey, Storage, TaskQuery } from '../../../lib/index.ts'
import { configIn, taskIn } from '../../support/task-store.ts'

const ACTIVE = ['PENDING', 'RUNNING'] as const

/** Aurora's AbstractTaskStoreTest: what queries find. */
export function taskQueryCases(storage: Storage): void {
  const ids = async (query: TaskQuery) => {
    const found = await storage.consistentRead(({ tasks }) => tasks.fetch(query))
    return found.map(({ assignedTask }) => assignedTask.taskId)
  }
  const keyOf = (name: string, environment = 'prod', role = 'query'): JobKey => ({ role, environment, name })

  beforeAll(async () => {
    const of = (name: string, environment?: string, role = 'query') => configIn(role, name, environment)
    await storage.write(({ tasks }) =>
      tasks.save([
        taskIn('query', 'query-a', { task: of('jobA'), status: 'RUNNING' }),
        taskIn('query', 'query-b', { task: of('jobA'), instanceId: 1, status: 'PENDING' }),
        taskIn('query', 'query-c', { task: of('jobA'), instanceId: 1, status: 'FAILED' }),
        taskIn('query', 'query-d', { task: of('jobB'), status: 'FINISHED' }),
        taskIn('query', 'query-e', { task: of('jobB', 'test'), instanceId: 1, status: 'RUNNING' }),
        taskIn('query', 'query-f', { task: of('jobA', 'prod', 'query-2'), status: 'RUNNING' }),
      ]),
    )
  })

  const all = ['query-a', 'query-b', 'query-c', 'query-d', 'query-e']
  const found: [string, TaskQuery, string[]][] = [
    ['an id', { taskIds: ['query-b'] }, ['query-b']],
    ['ids', { taskIds: ['query-d', 'nobody', 'query-a'] }, ['query-a', 'query-d']],
    ['a role', { role: 'query' }, all],
    ['an environment', { role: 'query', environment: 'test' }, ['query-e']],
    ['a status', { role: 'query', statuses: ['RUNNING'] }, ['query-a', 'query-e']],
    ['statuses', { role: 'query', statuses: ['FAILED', 'FINISHED'] }, ['query-c', 'query-d']],
    ['a job', { role: 'query', environment: 'prod', jobName: 'jobA' }, ['query-a', 'query-b', 'query-c']],
    ['an instance', { jobKeys: [keyOf('jobA')], instanceIds: [1] }, ['query-b', 'query-c']],
    ['an active instance', { jobKeys: [keyOf('jobA')], instanceIds: [1], statuses: [...ACTIVE] }, ['query-b']],
    ['an active job', { jobKeys: [keyOf('jobA')], statuses: [...ACTIVE] }, ['query-a', 'query-b']],
    ['instances', { role: 'query', instanceIds: [0, 7] }, ['query-a', 'query-d']],
    ['what there is not', { role: 'query', statuses: ['LOST'] }, []],
  ]
  test.each(found)('a query finds %s [testQuery]', async (_, query, expected) => {
    expect(await ids(query)).toEqual(expected)
  })

  test('null and empty mean no restriction, in every list and name [testQuery]', async () => {
    const nothing = [
      ...[{ taskIds: [] }, { instanceIds: [] }, { statuses: [] }, { slaveHosts: [] }, { jobKeys: [] }],
      ...[{ taskIds: null }, { instanceIds: null }, { statuses: null }, { slaveHosts: null }, { jobKeys: null }],
      ...[{ environment: null }, { jobName: null }, {}],
    ]
    for (const query of nothing) {
      expect(await ids({ role: 'query', ...query }), JSON.stringify(query)).toEqual(all)
    }
    expect(await ids({ role: null, taskIds: ['query-f'] })).toEqual(['query-f'])
    const everything = await ids({})
    expect(everything).toEqual(expect.arrayContaining([...all, 'query-f']))
    expect(await ids({ role: null, taskIds: [], jobKeys: null })).toEqual(everything)
  })

  test('a hundred instances of a job are all found [testQueryMultipleInstances]', async () => {
    const many = Array.from({ length: 100 }, (_, instanceId) =>
      taskIn('many', `many-${String(instanceId).padStart(3, '0')}`, { instanceId }),
    )
    await storage.write(({ tasks }) => tasks.save(many))
    const wanted = many.map(({ assignedTask }) => assignedTask.taskId)
    expect(await ids({ role: 'many' })).toEqual(wanted)
    expect((await ids({})).filter((id) => id.startsWith('many-'))).toEqual(wanted)
  })

  test('job keys OR, and AND with what else there is [testQueryByJobKeys]', async () => {
    expect(await ids({ jobKeys: [keyOf('jobA')] })).toEqual(['query-a', 'query-b', 'query-c'])
    expect(await ids({ jobKeys: [keyOf('jobB'), keyOf('jobB', 'test')] })).toEqual(['query-d', 'query-e'])
    const inRoles = [keyOf('jobA'), keyOf('jobA', 'prod', 'query-2')]
    expect(await ids({ jobKeys: inRoles })).toEqual(['query-a', 'query-b', 'query-c', 'query-f'])
    expect(await ids({ role: 'query-2', jobKeys: inRoles })).toEqual(['query-f'])
    expect(await ids({ role: 'query', jobKeys: [keyOf('jobA', 'prod', 'query-2')] })).toEqual([])
    expect(await ids({ jobKeys: [keyOf('no-such-job')] })).toEqual([])
  })
}
