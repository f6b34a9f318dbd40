import { expect, test } from 'vitest'
import type { JobKey, Storage } from '../../../lib/index.ts'
import { jobConfiguration } from '../../../lib/model/cron-job.ts'
import { assertFullyPopulated } from '../../support/fully-populated.ts'
import { fullConfig } from '../../support/records.ts'
import { configIn, taskIn } from '../../support/task-store.ts'

/** Aurora's AbstractCronJobStoreTest. */
export function cronJobStoreCases(storage: Storage): void {
  const keyOf = (role: string, environment = 'prod'): JobKey => ({ role, environment, name: 'hello' })
  const jobOf = (key: JobKey) => ({
    key,
    owner: { user: 'ann' },
    cronSchedule: '5 * * * *',
    cronCollisionPolicy: 'CANCEL_NEW' as const,
    taskConfig: { ...fullConfig, job: key },
    instanceCount: 5,
  })
  const stored = (record: object) => ({ ...record, version: expect.any(Number) })
  const save = (...jobs: ReturnType<typeof jobOf>[]) =>
    storage.write(({ cronJobs }) => {
      for (const job of jobs) cronJobs.save(job)
    })
  const remove = (key: JobKey) => storage.write(({ cronJobs }) => cronJobs.remove(key))
  const fetch = (key: JobKey) => storage.consistentRead(({ cronJobs }) => cronJobs.get(key))
  const list = async (prefix: string) => {
    const all = await storage.consistentRead(({ cronJobs }) => cronJobs.list())
    return all.filter(({ key }) => key.role.startsWith(prefix))
  }

  test('cron jobs are saved with every field, read, listed and removed [testJobStore, testStoreSize]', async () => {
    const [a, b] = [jobOf(keyOf('crud-a')), jobOf(keyOf('crud-b'))]
    assertFullyPopulated(jobConfiguration, a, ['version'])
    expect(await fetch(a.key)).toBeUndefined()
    await save(a)
    expect(await fetch(a.key)).toEqual(stored(a))
    expect(await list('crud-')).toEqual([stored(a)])
    await save(b)
    expect(await list('crud-')).toEqual([stored(a), stored(b)])
    expect(await storage.consistentRead(({ cronJobs }) => cronJobs.list({ role: 'crud-b' }))).toEqual([stored(b)])
    await remove(a.key)
    await remove(a.key)
    expect(await fetch(a.key)).toBeUndefined()
    expect(await fetch(b.key)).toEqual(stored(b))
    await remove(b.key)
    expect(await list('crud-')).toEqual([])
  })

  test('one name in three environments is three jobs [testJobStoreSameEnvironment]', async () => {
    const [prod, staging, testing] = ['prod', 'staging', 'test'].map((environment) =>
      jobOf(keyOf('three', environment)),
    )
    await save(prod!, staging!, testing!)
    for (const job of [prod, staging, testing]) expect(await fetch(job!.key)).toEqual(stored(job!))
    await remove(staging!.key)
    expect(await list('three')).toEqual([stored(prod!), stored(testing!)])
  })

  test('a task whose config a cron job shares can still be changed and removed [testTaskConfigDedupe]', async () => {
    const taskConfig = configIn('shared')
    await storage.write(({ tasks }) => tasks.save([taskIn('shared', 'shared-1', { task: taskConfig })]))
    const job = { ...jobOf(keyOf('shared')), taskConfig }
    await save(job)
    await storage.write(({ tasks }) => tasks.mutate('shared-1', (task) => ({ ...task, status: 'RUNNING' })))
    const read = () => storage.consistentRead(({ tasks }) => tasks.get('shared-1'))
    expect((await read())?.status).toBe('RUNNING')
    await storage.write(({ tasks }) => tasks.remove(['shared-1']))
    expect(await read()).toBeUndefined()
    expect((await fetch(job.key))?.taskConfig).toMatchObject(taskConfig)
  })

  test('a second save replaces the whole job [testUpdate]', async () => {
    const job = jobOf(keyOf('update'))
    await save(job)
    const { owner: _, ...changed } = {
      ...job,
      cronSchedule: '0 4 * * *',
      instanceCount: 2,
      taskConfig: configIn('update'),
    }
    await storage.write(({ cronJobs }) => cronJobs.save(changed))
    expect(await fetch(job.key)).toEqual(stored(jobConfiguration.parse(changed)))
    expect(await list('update')).toHaveLength(1)
  })
}
