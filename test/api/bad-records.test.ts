import { afterAll, describe, expect, test } from 'vitest'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { config, fullCronJob, lock, maintenance } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { memoryApi } from '../support/test-api.ts'
import { DEFAULT_SETTINGS, instanceEvent, update, updateEvent } from '../support/update-records.ts'

/**
 * What cron jobs, updates, their events, maintenance requests and locks can have wrong with them: a 400 that names the
 * place, and nothing has changed. What concerns requests of every kind is in bad-input.test.ts.
 */

const api = await memoryApi({ cleanup: afterAll })
const store = new JobUpdateStore(api)

const key = keyIn('bad')
const { job } = key
const LONG = 'x'.repeat(256)
const instances = [{ first: 0, last: 2 }]

/** An operation, and where the fault is in it. */
const refused = (operation: object, path: string) =>
  expectRefused(api, 'invalid_field', () => api.transact([operation]), `operations.0.${path}`)

const cronJob = (change: object) => ({ op: 'saveCronJob', jobConfiguration: { ...fullCronJob(job), ...change } })
const request = (change: object) => ({ op: 'saveHostMaintenanceRequest', request: { ...maintenance('h'), ...change } })
const locked = (change: object) => ({ op: 'saveLock', lock: { ...lock(job, 'token'), ...change } })
const instructed = (instructions: object) => ({ op: 'saveJobUpdate', jobUpdate: update(key, { instructions }) })
const summarized = (change: object) => {
  const { summary, instructions } = update(key)
  return { op: 'saveJobUpdate', jobUpdate: { summary: { ...summary, ...change }, instructions } }
}
const desired = (change: object) => instructed({ desiredState: { task: config({ job }), instances, ...change } })
const initial = (change: object) => instructed({ initialState: [{ task: config({ job }), instances, ...change }] })
const settings = (change: object) => instructed({ settings: { ...DEFAULT_SETTINGS, ...change } })
const event = (change: object) => ({
  op: 'saveJobUpdateEvent',
  key,
  event: { ...updateEvent('ABORTED', 1), ...change },
})
const ofInstance = (change: object) => ({
  ...{ op: 'saveJobInstanceUpdateEvent', key },
  event: { ...instanceEvent(1, 'INSTANCE_UPDATED', 1), ...change },
})
const prune = (change: object) => ({
  ...{ op: 'pruneJobUpdates', perJobRetainCount: 1, historyPruneThresholdMs: 1, ...change },
})

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

describe('a job update with', () => {
  const instructions = 'jobUpdate.instructions'
  test.each([
    ['no instructions', { op: 'saveJobUpdate', jobUpdate: { summary: { key, user: 'ann' } } }, instructions],
    ['an unknown field', instructed({ finalState: null }), instructions],
    ['an unknown field in the summary', summarized({ role: 'r' }), 'jobUpdate.summary'],
    ['no user', summarized({ user: undefined }), 'jobUpdate.summary.user'],
    ['a user that is a number', summarized({ user: 7 }), 'jobUpdate.summary.user'],
    ['a user with a lone surrogate', summarized({ user: '\ud800' }), 'jobUpdate.summary.user'],
    ['no id', summarized({ key: { job } }), 'jobUpdate.summary.key.id'],
    ['an empty id', summarized({ key: { job, id: '' } }), 'jobUpdate.summary.key.id'],
    ['an id that is too long', summarized({ key: { job, id: LONG } }), 'jobUpdate.summary.key.id'],
    ['an id that is too long in bytes', summarized({ key: { job, id: 'é'.repeat(128) } }), 'jobUpdate.summary.key.id'],
    ['an id with NUL', summarized({ key: { job, id: 'a\0b' } }), 'jobUpdate.summary.key.id'],
    [
      'a job that is none',
      summarized({ key: { job: { ...job, name: 'a b' }, id: 'u' } }),
      'jobUpdate.summary.key.job.name',
    ],
    ['metadata as a map', summarized({ metadata: { k: 'v' } }), 'jobUpdate.summary.metadata'],
    ['metadata without a value', summarized({ metadata: [{ key: 'k' }] }), 'jobUpdate.summary.metadata.0.value'],
    ['an empty lock token', { ...summarized({}), lockToken: '' }, 'lockToken'],
    ['a lock token that is null', { ...summarized({}), lockToken: null }, 'lockToken'],
    ['a desired state without a task', desired({ task: undefined }), `${instructions}.desiredState.task`],
    ['a desired state whose task is null', desired({ task: null }), `${instructions}.desiredState.task`],
    ['a desired state without ranges', desired({ instances: undefined }), `${instructions}.desiredState.instances`],
    ['a desired state with no range', desired({ instances: [] }), `${instructions}.desiredState.instances`],
    ['a desired state with null for ranges', desired({ instances: null }), `${instructions}.desiredState.instances`],
    [
      'a range that ends before it begins',
      desired({ instances: [{ first: 2, last: 1 }] }),
      `${instructions}.desiredState.instances.0`,
    ],
    [
      'a range below zero',
      desired({ instances: [{ first: -1, last: 1 }] }),
      `${instructions}.desiredState.instances.0.first`,
    ],
    [
      'a range beyond int32',
      desired({ instances: [{ first: 0, last: 2 ** 31 }] }),
      `${instructions}.desiredState.instances.0.last`,
    ],
    ['a range without an end', desired({ instances: [{ first: 0 }] }), `${instructions}.desiredState.instances.0.last`],
    [
      'a range that is no number',
      desired({ instances: [{ first: Number.NaN, last: 1 }] }),
      `${instructions}.desiredState.instances.0.first`,
    ],
    ['a range as a number', desired({ instances: [3] }), `${instructions}.desiredState.instances.0`],
    ['a desired state that is a list', instructed({ desiredState: [] }), `${instructions}.desiredState`],
    ['an initial state that is no list', instructed({ initialState: {} }), `${instructions}.initialState`],
    ['an initial state without a task', initial({ task: undefined }), `${instructions}.initialState.0.task`],
    ['an initial state whose task is null', initial({ task: null }), `${instructions}.initialState.0.task`],
    ['an initial state with no range', initial({ instances: [] }), `${instructions}.initialState.0.instances`],
    [
      'an initial state whose range is wrong',
      initial({ instances: [{ first: 5, last: 4 }] }),
      `${instructions}.initialState.0.instances.0`,
    ],
    ['settings that are null', instructed({ settings: null }), `${instructions}.settings`],
    ['an unknown setting', settings({ batchSize: 1 }), `${instructions}.settings`],
    ['negative failures', settings({ maxPerInstanceFailures: -1 }), `${instructions}.settings.maxPerInstanceFailures`],
    ['failures as text', settings({ maxFailedInstances: '1' }), `${instructions}.settings.maxFailedInstances`],
    [
      'a negative wait',
      settings({ minWaitInInstanceRunningMs: -1 }),
      `${instructions}.settings.minWaitInInstanceRunningMs`,
    ],
    ['a flag that is a number', settings({ rollbackOnFailure: 1 }), `${instructions}.settings.rollbackOnFailure`],
    [
      'a restriction whose range is wrong',
      settings({ updateOnlyTheseInstances: [{ first: 1, last: 0 }] }),
      `${instructions}.settings.updateOnlyTheseInstances.0`,
    ],
    ['no strategy in the strategy', settings({ updateStrategy: {} }), `${instructions}.settings.updateStrategy`],
    [
      'two strategies',
      settings({ updateStrategy: { queue: { groupSize: 1 }, batch: { groupSize: 1 } } }),
      `${instructions}.settings.updateStrategy`,
    ],
    [
      'groups of none',
      settings({ updateStrategy: { queue: { groupSize: 0 } } }),
      `${instructions}.settings.updateStrategy.queue.groupSize`,
    ],
    [
      'no groups',
      settings({ updateStrategy: { varBatch: { groupSizes: [] } } }),
      `${instructions}.settings.updateStrategy.varBatch.groupSizes`,
    ],
  ])('%s is refused', async (_name, operation, path) => {
    await refused(operation, path)
  })

  test('a NUL in the settings of its config is refused', async () => {
    await refused(desired({ task: config({ job, tier: 'a\0' }) }), `${instructions}.desiredState.task.tier`)
  })
})

describe('an event with', () => {
  test.each([
    ['an unknown status', event({ status: 'DONE' }), 'event.status'],
    ['a status of tasks', event({ status: 'RUNNING' }), 'event.status'],
    ['a status by number', event({ status: 6 }), 'event.status'],
    ['no status', event({ status: undefined }), 'event.status'],
    ['an unknown action', ofInstance({ action: 'INSTANCE_DONE' }), 'event.action'],
    ['an action without its prefix', ofInstance({ action: 'UPDATED' }), 'event.action'],
    ['an instance below zero', ofInstance({ instanceId: -1 }), 'event.instanceId'],
    ['no instance', ofInstance({ instanceId: undefined }), 'event.instanceId'],
    ['an unknown field', event({ instanceId: 1 }), 'event'],
    ['an unknown field, of an instance', ofInstance({ status: 'ABORTED' }), 'event'],
    ['an id of ours', event({ id: '#1' }), 'event.id'],
    ['an id of ours, of an instance', ofInstance({ id: '#' }), 'event.id'],
    ['an id that is too long', event({ id: LONG }), 'event.id'],
    ['an id that is too long, of an instance', ofInstance({ id: LONG }), 'event.id'],
    ['an empty id', event({ id: '' }), 'event.id'],
    ['an id that is null', ofInstance({ id: null }), 'event.id'],
    ['an id with NUL', event({ id: '\0' }), 'event.id'],
    ['a message with NUL', event({ message: 'a\0' }), 'event.message'],
    ['a message with a lone surrogate, of an instance', ofInstance({ message: '\udc00' }), 'event.message'],
    ['no time', event({ timestampMs: undefined }), 'event.timestampMs'],
    ['a time that is no number', event({ timestampMs: Number.NaN }), 'event.timestampMs'],
    ['a time as a date', event({ timestampMs: '2020-01-01' }), 'event.timestampMs'],
    ['a time beyond int64', ofInstance({ timestampMs: '9223372036854775808' }), 'event.timestampMs'],
    ['a time that has lost digits', ofInstance({ timestampMs: 2 ** 53 }), 'event.timestampMs'],
    ['a fraction of a time', event({ timestampMs: 0.5 }), 'event.timestampMs'],
    ['no key', { ...event({}), key: undefined }, 'key'],
    ['a key as text', { ...event({}), key: 'bad/prod/hello/u' }, 'key'],
    ['an id of the update that is too long', { ...ofInstance({}), key: { job, id: LONG } }, 'key.id'],
  ])('%s is refused', async (_name, operation, path) => {
    if ((await store.get(key)).status === 404) await store.save(key)
    await refused(operation, path)
  })
})

describe('a removal or pruning of updates with', () => {
  test.each([
    ['no keys', { op: 'removeJobUpdates' }, 'keys'],
    ['an empty list of keys', { op: 'removeJobUpdates', keys: [] }, 'keys'],
    ['a key without an id', { op: 'removeJobUpdates', keys: [{ job }] }, 'keys.0.id'],
    ['a key of text', { op: 'removeJobUpdates', keys: ['bad/prod/hello/u'] }, 'keys.0'],
    ['no count', prune({ perJobRetainCount: undefined }), 'perJobRetainCount'],
    ['a negative count', prune({ perJobRetainCount: -1 }), 'perJobRetainCount'],
    ['a count that is no whole number', prune({ perJobRetainCount: 0.5 }), 'perJobRetainCount'],
    ['no threshold', prune({ historyPruneThresholdMs: undefined }), 'historyPruneThresholdMs'],
    ['a threshold beyond int64', prune({ historyPruneThresholdMs: '-9223372036854775809' }), 'historyPruneThresholdMs'],
    ['a threshold that is null', prune({ historyPruneThresholdMs: null }), 'historyPruneThresholdMs'],
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
