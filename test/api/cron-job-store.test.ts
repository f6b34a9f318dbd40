import { afterAll, expect, test } from 'vitest'
import { jobConfiguration } from '../../lib/model/cron-job.ts'
import type { JobKey } from '../../lib/model/job-key.ts'
import { assertFullyPopulated } from '../support/fully-populated.ts'
import { config, fullCronJob } from '../support/records.ts'
import { configIn, TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi } from '../support/test-api.ts'

/** Aurora's AbstractCronJobStoreTest through HTTP, with the name of the case, and what else concerns cron jobs. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const tasks = new TaskStore(api)

const keyIn = (role: string, name = 'hello', environment = 'prod'): JobKey => ({ role, environment, name })
const pathOf = ({ role, environment, name }: JobKey) => `${role}/${environment}/${name}`

/** A small cron job. */
const cronJob = (key: JobKey, overrides: object = {}) => ({
  key,
  cronSchedule: '* * * * *',
  cronCollisionPolicy: 'KILL_EXISTING',
  taskConfig: config({ job: key }),
  instanceCount: 1,
  ...overrides,
})

async function save(record: object): Promise<number> {
  const { status, body } = await api.transact([{ op: 'saveCronJob', jobConfiguration: record }])
  expect(status, JSON.stringify(body)).toBe(200)
  expect(body.results).toEqual([{ op: 'saveCronJob', affected: 1 }])
  return body.lsn
}

async function remove(jobKey: JobKey): Promise<number> {
  const { status, body } = await api.transact([{ op: 'removeCronJob', jobKey }])
  expect(status, JSON.stringify(body)).toBe(200)
  return body.results[0].affected
}

const fetch = (key: JobKey) => api.get(`/v1/cron-jobs/${pathOf(key)}`)
const summary = async (key: JobKey) => (await api.get(`/v1/jobs/${pathOf(key)}`)).body

async function configsOf(role: string): Promise<number> {
  const { body } = await api.query(`select count(*) from task_config where config -> 'job' ->> 'role' = $1`, [role])
  return body.rows[0].count
}

test('cron jobs are saved, read, listed and removed; one that is unknown is not found (testJobStore)', async () => {
  const [one, two] = [keyIn('crud', 'one'), keyIn('crud', 'two')]
  const missing = await fetch(one)
  expect([missing.status, missing.body.code]).toEqual([404, 'not_found'])
  assertFullyPopulated(jobConfiguration, fullCronJob(one), ['version'])
  const first = await save(fullCronJob(one))
  expect((await fetch(one)).body).toEqual({ ...fullCronJob(one), version: first })
  const second = await save(cronJob(two))
  expect(await api.list('/v1/cron-jobs?role=crud')).toEqual([
    { ...fullCronJob(one), version: first },
    { ...cronJob(two), version: second },
  ])
  expect(await api.list('/v1/cron-jobs?role=nobody')).toEqual([])
  expect(await remove(one)).toBe(1)
  expect((await fetch(one)).status).toBe(404)
  expect((await fetch(two)).body).toEqual({ ...cronJob(two), version: second })
  expect(await remove(two)).toBe(1)
  expect(await api.list('/v1/cron-jobs?role=crud')).toEqual([])
})

test('removing a cron job that is not there is no error and changes nothing (testJobStore)', async () => {
  const before = await api.state()
  expect(await remove(keyIn('nobody'))).toBe(0)
  expect(await api.state()).toEqual(before)
})

test('one name in several environments is several cron jobs (testJobStoreSameEnvironment)', async () => {
  const keys = ['prod', 'staging', 'test'].map((environment) => keyIn('environments', 'hello', environment))
  for (const [index, key] of keys.entries()) await save(cronJob(key, { instanceCount: index + 1 }))
  expect((await api.list('/v1/cron-jobs?role=environments')).map(({ key }) => key)).toEqual(keys)
  await remove(keys[1]!)
  const left = await Promise.all(keys.map(async (key) => (await fetch(key)).body.instanceCount))
  expect(left).toEqual([1, undefined, 3])
})

test('a task that shares its config with a cron job can be changed (testTaskConfigDedupe, AURORA-1392)', async () => {
  const key = keyIn('dedupe')
  await save(cronJob(key, { taskConfig: configIn('dedupe') }))
  await tasks.save(taskIn('dedupe', 'dedupe-1'))
  expect(await configsOf('dedupe')).toBe(1)
  const changed = config({ job: key, priority: 9 })
  expect(await tasks.mutate({ taskIds: ['dedupe-1'] }, { task: changed, status: 'RUNNING' })).toEqual(['dedupe-1'])
  expect((await tasks.fetch('dedupe-1')).assignedTask.task).toEqual(changed)
  expect((await fetch(key)).body.taskConfig).toEqual(configIn('dedupe'))
  expect(await configsOf('dedupe')).toBe(2)
})

test('a second save replaces the whole cron job (testUpdate, AURORA-1390)', async () => {
  const key = keyIn('update')
  const first = await save(fullCronJob(key))
  const changed = cronJob(key, { instanceCount: 7, taskConfig: config({ job: key, priority: 2 }) })
  const second = await save(changed)
  expect(second).toBeGreaterThan(first)
  expect((await fetch(key)).body).toEqual({ ...changed, version: second })
  expect(await api.list('/v1/cron-jobs?role=update')).toHaveLength(1)
  expect(await configsOf('update')).toBe(1)
  const third = await save(fullCronJob(key))
  expect((await fetch(key)).body).toEqual({ ...fullCronJob(key), version: third })
})

test('a record that was read can be saved as it is', async () => {
  const key = keyIn('read-and-save')
  await save(fullCronJob(key))
  const read = (await fetch(key)).body
  const version = await save(read)
  expect((await fetch(key)).body).toEqual({ ...read, version })
})

test('what is left out has its default, and comes back as it', async () => {
  const key = keyIn('defaults')
  const version = await save({ key, taskConfig: config({ job: key }) })
  expect((await fetch(key)).body).toEqual({
    ...{ key, taskConfig: config({ job: key }), cronCollisionPolicy: 'KILL_EXISTING', instanceCount: 1, version },
  })
})

test('a job with a cron job and no task is a job, and its role a role, as long as the cron job stays', async () => {
  const key = keyIn('summary')
  const version = await save(cronJob(key))
  expect(await summary(key)).toEqual({ key, tasks: {}, active: 0, terminal: 0, cron: true, changedLsn: version })
  const role = { role: 'summary', jobs: 1, cronJobs: 1, tasks: {}, active: 0, terminal: 0, changedLsn: version }
  expect((await api.get('/v1/roles/summary')).body).toEqual(role)
  await remove(key)
  expect((await api.get('/v1/jobs/summary/prod/hello')).status).toBe(404)
  expect((await api.get('/v1/roles/summary')).status).toBe(404)
})

test('a cron job counts with the tasks of its job, and only itself goes when it is removed', async () => {
  const key = keyIn('counts')
  await tasks.save(taskIn('counts', 'counts-1'))
  expect(await summary(key)).not.toHaveProperty('cron')
  const saved = await save(cronJob(key))
  expect(await summary(key)).toEqual({
    ...{ key, tasks: { PENDING: 1 }, active: 1, terminal: 0, cron: true, changedLsn: saved },
  })
  await save(cronJob(keyIn('counts', 'other')))
  expect((await api.get('/v1/roles/counts')).body).toMatchObject({ jobs: 2, cronJobs: 2, active: 1 })
  await remove(key)
  expect(await summary(key)).not.toHaveProperty('cron')
  expect((await api.get('/v1/roles/counts')).body).toMatchObject({ jobs: 2, cronJobs: 1, active: 1 })
  await tasks.remove('counts-1')
  expect((await api.get('/v1/jobs/counts/prod/hello')).status).toBe(404)
})

test('configs and jobs stay while a cron job refers to them, and go with the last that does (testGarbageCollection)', async () => {
  const key = keyIn('garbage')
  await tasks.save(taskIn('garbage', 'garbage-1'))
  await save(cronJob(key, { taskConfig: configIn('garbage') }))
  await tasks.remove('garbage-1')
  expect(await configsOf('garbage')).toBe(1)
  expect((await summary(key)).key).toEqual(key)
  await save(cronJob(key, { taskConfig: config({ job: key, priority: 5 }) }))
  expect(await configsOf('garbage')).toBe(1)
  await remove(key)
  expect(await configsOf('garbage')).toBe(0)
  expect((await api.query(`select job_id from job where role = 'garbage'`)).body.rows).toEqual([])
})

test('where nothing is unreferenced, nothing goes (testNoop)', async () => {
  const key = keyIn('noop')
  await tasks.save(taskIn('noop', 'noop-1'))
  await save(cronJob(key, { taskConfig: config({ job: key, priority: 1 }) }))
  const { lsn } = (await api.transact([{ op: 'saveFrameworkId', id: 'noop' }])).body
  expect(await configsOf('noop')).toBe(2)
  expect((await summary(key)).changedLsn).toBeLessThan(lsn)
  expect((await tasks.fetch('noop-1')).assignedTask.task).toEqual(configIn('noop'))
  expect((await fetch(key)).body.taskConfig.priority).toBe(1)
})

test('resources keep their extremes (AURORA-1494)', async () => {
  const key = keyIn('extremes')
  const resources = [{ diskMb: '9223372036854775807' }, { numCpus: Number.MAX_VALUE }, { ramMb: '9223372036854775807' }]
  const record = cronJob(key, { taskConfig: config({ job: key, resources }), instanceCount: 4_000 })
  const version = await save(record)
  expect((await fetch(key)).body).toEqual({ ...record, version })
})

test('pages of cron jobs go on by key, also where several roles are named', async () => {
  const names = Array.from({ length: 7 }, (_, index) => `job-${index}`)
  const operations = names.flatMap((name) =>
    ['pages-a', 'pages-b', 'pages-c'].map((role) => ({
      op: 'saveCronJob',
      jobConfiguration: cronJob(keyIn(role, name)),
    })),
  )
  expect((await api.transact(operations)).status).toBe(200)
  const listed = await api.list('/v1/cron-jobs?role=pages-a&role=pages-c&limit=2')
  expect(listed.map(({ key }) => pathOf(key))).toEqual(
    ['pages-a', 'pages-c'].flatMap((role) => names.map((name) => `${role}/prod/${name}`)),
  )
})

test('cron jobs can be asked for in SQL', async () => {
  const version = await save(fullCronJob(keyIn('sql')))
  const { body } = await api.query(
    `select job_id, role, environment, job_name, cron_schedule, cron_collision_policy, instance_count, owner, version
     from cron_job where role = 'sql'`,
  )
  expect(body.rows).toEqual([
    {
      ...{ job_id: 'sql/prod/hello', role: 'sql', environment: 'prod', job_name: 'hello' },
      ...{ cron_schedule: '*/5 3 * * MON', cron_collision_policy: 'CANCEL_NEW', instance_count: 5 },
      ...{ owner: { user: 'ann' }, version },
    },
  ])
})
