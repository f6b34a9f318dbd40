import { afterAll, expect, test } from 'vitest'
import type { JobKey } from '../../lib/model/job-key.ts'
import { lock as lockSchema } from '../../lib/model/lock.ts'
import { assertFullyPopulated } from '../support/fully-populated.ts'
import { lock } from '../support/records.ts'
import { memoryApi } from '../support/test-api.ts'

/** Aurora's AbstractLockStoreTest through HTTP, with the name of the case. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })

const jobIn = (role: string, name = 'hello'): JobKey => ({ role, environment: 'prod', name })
const saveLock = (record: object) => ({ op: 'saveLock', lock: record })
const removeLock = (job: JobKey) => ({ op: 'removeLock', lockKey: { job } })

async function save(record: object): Promise<number> {
  const { status, body } = await api.transact([saveLock(record)])
  expect(status, JSON.stringify(body)).toBe(200)
  expect(body.results).toEqual([{ op: 'saveLock', affected: 1 }])
  return body.lsn
}

async function remove(job: JobKey): Promise<number> {
  const { status, body } = await api.transact([removeLock(job)])
  expect(status, JSON.stringify(body)).toBe(200)
  return body.results[0].affected
}

async function expectTaken(...operations: unknown[]): Promise<void> {
  const before = await api.state()
  const { status, body } = await api.transact(operations)
  expect([status, body.code]).toEqual([409, 'already_exists'])
  expect(await api.state()).toEqual(before)
}

const fetch = ({ role, environment, name }: JobKey) => api.get(`/v1/locks/${role}/${environment}/${name}`)
const listed = async (role: string) => (await api.list('/v1/locks')).filter(({ key }) => key.job.role === role)

test('locks are saved with every field, listed and removed, each by itself (testLocks)', async () => {
  const [one, two] = [lock(jobIn('locks', 'one'), 'locks-1'), lock(jobIn('locks', 'two'), 'locks-2')]
  assertFullyPopulated(lockSchema, one, ['version'])
  const first = await save(one)
  const second = await save(two)
  expect(await listed('locks')).toEqual([
    { ...one, version: first },
    { ...two, version: second },
  ])
  expect(await remove(one.key.job)).toBe(1)
  expect(await listed('locks')).toEqual([{ ...two, version: second }])
})

test('a job that is locked cannot be locked again, not even with the same lock (testRepeatedWrite)', async () => {
  const job = jobIn('repeated')
  const version = await save(lock(job, 'repeated-1'))
  await expectTaken(saveLock(lock(job, 'repeated-1')))
  await expectTaken(saveLock(lock(job, 'repeated-2', { user: 'ben' })))
  expect((await fetch(job)).body).toEqual({ ...lock(job, 'repeated-1'), version })
})

test('a job that was unlocked can be locked again, with the same token or another (testExistingJobKey)', async () => {
  const job = jobIn('existing')
  await save(lock(job, 'existing-1'))
  await remove(job)
  await save(lock(job, 'existing-1'))
  await remove(job)
  await save(lock(job, 'existing-2'))
  expect((await fetch(job)).body.token).toBe('existing-2')
})

test('a lock is found by its job, and by no other (testGetLock)', async () => {
  const job = jobIn('get')
  expect((await fetch(job)).status).toBe(404)
  const { message, ...without } = lock(job, 'get-1')
  const version = await save(without)
  expect((await fetch(job)).body).toEqual({ ...without, version })
  for (const other of [jobIn('get', 'other'), { ...job, environment: 'test' }, jobIn('got')]) {
    expect((await fetch(other)).status).toBe(404)
  }
})

test('all locks can be removed in one transaction, and again without effect (testDeleteAllLocks)', async () => {
  const jobs = ['a', 'b', 'c'].map((name) => jobIn('all', name))
  for (const job of jobs) await save(lock(job, `all-${job.name}`))
  for (const affected of [1, 0]) {
    const { body } = await api.transact(jobs.map(removeLock))
    expect(body.results).toEqual(jobs.map(() => ({ op: 'removeLock', affected })))
  }
  expect(await listed('all')).toEqual([])
})

test('no two locks have one token (testDuplicateToken)', async () => {
  await save(lock(jobIn('token', 'one'), 'token-1'))
  await expectTaken(saveLock(lock(jobIn('token', 'two'), 'token-1')))
  expect(await listed('token')).toHaveLength(1)
})

test('the rules hold among the operations of one transaction, and a lock can be passed on in one', async () => {
  const [one, two] = [jobIn('within', 'one'), jobIn('within', 'two')]
  await expectTaken(saveLock(lock(one, 'within-1')), saveLock(lock(two, 'within-1')))
  await expectTaken(saveLock(lock(one, 'within-1')), saveLock(lock(one, 'within-2')))
  await save(lock(one, 'within-1'))
  const { status } = await api.transact([removeLock(one), saveLock(lock(two, 'within-1'))])
  expect(status).toBe(200)
  expect((await listed('within')).map(({ key }) => key.job)).toEqual([two])
})

test('of many that want a lock at once, one gets it', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => api.transact([saveLock(lock(jobIn('race'), `race-${index}`))])),
  )
  const winners = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []))
  expect(winners).toHaveLength(1)
  expect((await fetch(jobIn('race'))).body.token).toBe(`race-${winners[0]}`)
})

test('a lock on a job makes no job: it may be taken before there is anything in it', async () => {
  await save(lock(jobIn('empty'), 'empty-1'))
  expect((await api.get('/v1/jobs/empty/prod/hello')).status).toBe(404)
  expect((await api.get('/v1/roles/empty')).status).toBe(404)
})

test('times keep the extremes of int64, and pages go on by job', async () => {
  const times = ['-9223372036854775808', -1, 0, 9_007_199_254_740_991, '9007199254740992', '9223372036854775807']
  for (const [index, timestampMs] of times.entries()) {
    await save(lock(jobIn('times', `job-${index}`), `times-${index}`, { timestampMs }))
  }
  const found = (await api.list('/v1/locks?limit=1')).filter(({ key }) => key.job.role === 'times')
  expect(found.map(({ timestampMs }) => timestampMs)).toEqual(times)
})
