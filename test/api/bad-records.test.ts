import { afterAll, describe, expect, test } from 'vitest'
import { keyIn } from '../support/job-update-store.ts'
import { fullCronJob, lock, maintenance } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { memoryApi } from '../support/test-api.ts'

/**
 * What cron jobs, maintenance requests and locks can have wrong with them: a 400 that names the place, and nothing has
 * changed. What concerns requests of every kind is in bad-input.test.ts.
 */

const api = await memoryApi({ cleanup: afterAll })

const { job } = keyIn('bad')
const LONG = 'x'.repeat(256)

/** An operation, and where the fault is in it. */
const refused = (operation: object, path: string) =>
  expectRefused(api, 'invalid_field', () => api.transact([operation]), `operations.0.${path}`)

const cronJob = (change: object) => ({ op: 'saveCronJob', jobConfiguration: { ...fullCronJob(job), ...change } })
const request = (change: object) => ({ op: 'saveHostMaintenanceRequest', request: { ...maintenance('h'), ...change } })
const locked = (change: object) => ({ op: 'saveLock', lock: { ...lock(job, 'token'), ...change } })
describe('a cron job with', () => {
  test.each([
    ['an unknown field', cronJob({ schedule: '* * * * *' }), 'jobConfiguration'],
    ['no key', cronJob({ key: undefined }), 'jobConfiguration.key'],
    ['a key without a name', cronJob({ key: { role: 'r', environment: 'e' } }), 'jobConfiguration.key.name'],
    ['a role that is none', cronJob({ key: { ...job, role: 'a/b' } }), 'jobConfiguration.key.role'],
    ['a name that is too long', cronJob({ key: { ...job, name: LONG } }), 'jobConfiguration.key.name'],
    ['no config', cronJob({ taskConfig: undefined }), 'jobConfiguration.taskConfig'],
    ['a config that is null', cronJob({ taskConfig: null }), 'jobConfiguration.taskConfig'],
    ['a negative count', cronJob({ instanceCount: -1 }), 'jobConfiguration.instanceCount'],
    ['a count that is no whole number', cronJob({ instanceCount: 1.5 }), 'jobConfiguration.instanceCount'],
    ['a count beyond int32', cronJob({ instanceCount: 2 ** 31 }), 'jobConfiguration.instanceCount'],
    ['a count that is not a number', cronJob({ instanceCount: Number.NaN }), 'jobConfiguration.instanceCount'],
    ['a count as text', cronJob({ instanceCount: '1' }), 'jobConfiguration.instanceCount'],
    ['an unknown policy', cronJob({ cronCollisionPolicy: 'QUEUE' }), 'jobConfiguration.cronCollisionPolicy'],
    ['a policy by number', cronJob({ cronCollisionPolicy: 0 }), 'jobConfiguration.cronCollisionPolicy'],
    ['a schedule with NUL', cronJob({ cronSchedule: '* *\0' }), 'jobConfiguration.cronSchedule'],
    ['a schedule that is null', cronJob({ cronSchedule: null }), 'jobConfiguration.cronSchedule'],
    ['an owner that is text', cronJob({ owner: 'ann' }), 'jobConfiguration.owner'],
    ['an owner without a user', cronJob({ owner: {} }), 'jobConfiguration.owner.user'],
    ['a removal without a key', { op: 'removeCronJob' }, 'jobKey'],
    ['a removal by text', { op: 'removeCronJob', jobKey: 'a/b/c' }, 'jobKey'],
  ])('%s is refused', async (_name, operation, path) => {
    await refused(operation, path)
  })
})

describe('a maintenance request, lock or framework id with', () => {
  test.each([
    ['no host', request({ host: undefined }), 'request.host'],
    ['an empty host', request({ host: '' }), 'request.host'],
    ['a host that is too long', request({ host: LONG }), 'request.host'],
    ['a host with NUL', request({ host: 'h\0' }), 'request.host'],
    ['no timeout', request({ timeoutSecs: undefined }), 'request.timeoutSecs'],
    ['a timeout of a fraction', request({ timeoutSecs: 0.5 }), 'request.timeoutSecs'],
    ['a timeout that is no number', request({ timeoutSecs: Number.NaN }), 'request.timeoutSecs'],
    ['no creation time', request({ createdTimestampMs: undefined }), 'request.createdTimestampMs'],
    ['a policy of no kind', request({ defaultSlaPolicy: {} }), 'request.defaultSlaPolicy'],
    [
      'a policy of two kinds',
      request({
        defaultSlaPolicy: { count: { count: 1, durationSecs: 1 }, percentage: { percentage: 1, durationSecs: 1 } },
      }),
      'request.defaultSlaPolicy',
    ],
    [
      'a policy without its duration',
      request({ defaultSlaPolicy: { count: { count: 1 } } }),
      'request.defaultSlaPolicy.count.durationSecs',
    ],
    ['a policy that is null', request({ defaultSlaPolicy: null }), 'request.defaultSlaPolicy'],
    ['an unknown field', request({ mode: 'DRAINING' }), 'request'],
    ['a removal without a host', { op: 'removeHostMaintenanceRequest' }, 'host'],
    ['no key of the lock', locked({ key: undefined }), 'lock.key'],
    ['a key of no kind', locked({ key: {} }), 'lock.key.job'],
    ['a job in place of the key', locked({ key: job }), 'lock.key.job'],
    ['no token', locked({ token: undefined }), 'lock.token'],
    ['an empty token', locked({ token: '' }), 'lock.token'],
    ['a token that is too long', locked({ token: LONG }), 'lock.token'],
    ['no user', locked({ user: undefined }), 'lock.user'],
    ['no time', locked({ timestampMs: undefined }), 'lock.timestampMs'],
    ['a message with NUL', locked({ message: '\0' }), 'lock.message'],
    ['a message that is null', locked({ message: null }), 'lock.message'],
    ['an unknown field of the lock', locked({ ttl: 1 }), 'lock'],
    ['a removal of a lock by token', { op: 'removeLock', token: 'token' }, 'lockKey'],
    ['no framework id', { op: 'saveFrameworkId' }, 'id'],
    ['a framework id that is null', { op: 'saveFrameworkId', id: null }, 'id'],
    ['a framework id with NUL', { op: 'saveFrameworkId', id: '\0' }, 'id'],
  ])('%s is refused', async (_name, operation, path) => {
    await refused(operation, path)
  })
})

describe('a read with', () => {
  test.each([
    ['an unknown status', '/v1/job-updates?status=DONE', 'query.status.0'],
    ['a job that is none', '/v1/job-updates?jobKey=a/b', 'query.jobKey.0'],
    ['an unknown filter', '/v1/job-updates?environment=prod', 'query.environment'],
    ['a limit of none', '/v1/job-updates?limit=0', 'query.limit'],
    ['an instance that is no number', '/v1/job-updates/a/b/c/u/instance-events?instanceId=x', 'query.instanceId.0'],
    ['an instance beyond int32', '/v1/job-updates/a/b/c/u/instance-events?instanceId=2147483648', 'query.instanceId.0'],
    ['an id that is too long', `/v1/job-updates/a/b/c/${LONG}`, 'path.id'],
    ['a role that is none', '/v1/cron-jobs/a%20b/c/d', 'path.role'],
    ['a host that is too long', `/v1/host-maintenance/${LONG}`, 'path.host'],
    ['NUL in a name', '/v1/host-maintenance/a%00', 'path.host'],
  ])('%s is refused', async (_name, path, place) => {
    const { status, body } = await api.get(path)
    expect([status, body.code], JSON.stringify(body)).toEqual([400, 'invalid_field'])
    expect(body.errors.map((error: { path: string }) => error.path)).toEqual([place])
  })

  test.each(['/v1/job-updates', '/v1/job-updates/a/b/c/u/instance-events'])(
    'a cursor that was made up is refused: %s',
    async (path) => {
      for (const text of ['x', Buffer.from('["a","b"]').toString('base64url')]) {
        const { status, body } = await api.get(`${path}?cursor=${text}`)
        expect([status, body.code]).toEqual([400, 'invalid_cursor'])
      }
    },
  )
})
