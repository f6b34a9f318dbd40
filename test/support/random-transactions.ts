import fc from 'fast-check'
import { type TransactionRequest, transactionRequest } from '../../lib/model/transaction.ts'
import { config, host, quota, task } from './records.ts'

/**
 * Random transactions over few keys, so that they meet: tasks that come, change state, move between hosts and jobs and
 * go, quotas and hosts, with and without preconditions, some of which fail.
 */
const taskId = fc.constantFrom('t1', 't2', 't3', 't4', 't5')
const hostName = fc.constantFrom('h1', 'h2', 'h3')
const role = fc.constantFrom('a', 'b')
const jobName = fc.constantFrom('x', 'y')
const status = fc.constantFrom('PENDING', 'ASSIGNED', 'RUNNING', 'FAILED')

const savedTask = fc
  .record({ taskId, role, jobName, status, instanceId: fc.nat(3), slaveHost: fc.option(hostName), cpus: fc.nat(2) })
  .map(({ taskId, role, jobName, status, instanceId, slaveHost, cpus }) =>
    task(taskId, {
      task: config({ job: { role, environment: 'prod', name: jobName }, resources: [{ numCpus: cpus }] }),
      status,
      instanceId,
      ...(slaveHost === null ? {} : { slaveHost }),
    }),
  )

const query = fc.oneof(
  fc.record({ taskIds: fc.uniqueArray(taskId, { minLength: 1 }) }),
  fc.record({ role, statuses: fc.uniqueArray(status, { minLength: 1 }) }),
  fc.record({ slaveHosts: fc.uniqueArray(hostName, { minLength: 1 }) }),
  fc.record({ jobKeys: fc.tuple(fc.record({ role, environment: fc.constant('prod'), name: jobName })) }),
  fc.constant({ all: true }),
)

const patch = fc.record({ status, slaveHost: fc.option(hostName), failureCount: fc.nat(3) }, { requiredKeys: [] })

const jobKey = fc.record({ role, environment: fc.constant('prod'), name: jobName })
const someConfig = fc
  .record({ job: jobKey, cpus: fc.nat(2) })
  .map(({ job, cpus }) => config({ job, resources: [{ numCpus: cpus }] }))

const cronJobOperation = fc.oneof(
  fc.record({ taskConfig: someConfig, instanceCount: fc.nat(3) }).map(({ taskConfig, instanceCount }) => ({
    op: 'saveCronJob',
    jobConfiguration: { key: taskConfig.job, cronSchedule: '* * * * *', taskConfig, instanceCount },
  })),
  jobKey.map((jobKey) => ({ op: 'removeCronJob', jobKey })),
)

const updateKey = fc.record({ job: jobKey, id: fc.constantFrom('u1', 'u2') })
const time = fc.nat(6)
const eventId = fc.option(fc.constantFrom('e1', 'e2'))
const instances = [{ first: 0, last: 2 }]

const withId = <E extends object>(id: string | null, event: E) => (id === null ? event : { id, ...event })

/** Updates come, go on and go, in one transaction and over many, so that what belongs to them comes and goes too. */
const jobUpdateOperation = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ key: updateKey, from: fc.option(someConfig), to: someConfig }).map(({ key, from, to }) => ({
      op: 'saveJobUpdate',
      jobUpdate: {
        summary: { key, user: 'ann', metadata: [{ key: 'k', value: key.id }] },
        instructions: {
          initialState: from === null ? [] : [{ task: from, instances }],
          desiredState: { task: to, instances },
        },
      },
    })),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ key: updateKey, id: eventId, time, status: fc.constantFrom('ROLLING_FORWARD', 'ROLLED_BACK', 'ERROR') })
      .map(({ key, id, time, status }) => ({
        op: 'saveJobUpdateEvent',
        key,
        event: withId(id, { status, timestampMs: time }),
      })),
  },
  {
    weight: 3,
    arbitrary: fc.record({ key: updateKey, id: eventId, time, instanceId: fc.nat(2) }).map((event) => ({
      op: 'saveJobInstanceUpdateEvent',
      key: event.key,
      event: withId(event.id, {
        instanceId: event.instanceId,
        timestampMs: event.time,
        action: 'INSTANCE_UPDATED',
      }),
    })),
  },
  { weight: 2, arbitrary: updateKey.map((key) => ({ op: 'removeJobUpdates', keys: [key] })) },
  {
    weight: 1,
    arbitrary: fc.record({ retain: fc.nat(2), time }).map(({ retain, time }) => ({
      op: 'pruneJobUpdates',
      perJobRetainCount: retain,
      historyPruneThresholdMs: time - 3,
    })),
  },
)

const lockOperation = fc.oneof(
  fc
    .record({ job: jobKey, token: fc.constantFrom('k1', 'k2', 'k3') })
    .map(({ job, token }) => ({ op: 'saveLock', lock: { key: { job }, token, user: 'ann', timestampMs: 1 } })),
  jobKey.map((job) => ({ op: 'removeLock', lockKey: { job } })),
)

const maintenanceOperation = fc.oneof(
  fc.record({ host: hostName, timeoutSecs: fc.nat(3) }).map(({ host, timeoutSecs }) => ({
    op: 'saveHostMaintenanceRequest',
    request: { host, timeoutSecs, createdTimestampMs: 1 },
  })),
  hostName.map((host) => ({ op: 'removeHostMaintenanceRequest', host })),
)

const operation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .uniqueArray(savedTask, { minLength: 1, maxLength: 3, selector: (saved) => saved.assignedTask.taskId })
      .map((tasks) => ({ op: 'saveTasks', tasks })),
  },
  {
    weight: 4,
    arbitrary: fc.record({ query, patch }).map(({ query, patch }) => ({
      op: 'mutateTasks',
      query,
      patch,
      event: { timestamp: 5, status: 'RUNNING' },
    })),
  },
  { weight: 2, arbitrary: query.map((query) => ({ op: 'removeTasks', query })) },
  {
    weight: 1,
    arbitrary: fc
      .record({ role, cpus: fc.nat(9) })
      .map(({ role, cpus }) => ({ op: 'saveQuota', role, quota: quota(cpus) })),
  },
  { weight: 1, arbitrary: role.map((role) => ({ op: 'removeQuota', role })) },
  { weight: 2, arbitrary: cronJobOperation },
  { weight: 6, arbitrary: jobUpdateOperation },
  { weight: 2, arbitrary: lockOperation },
  { weight: 1, arbitrary: maintenanceOperation },
  { weight: 1, arbitrary: fc.constantFrom('f1', 'f2').map((id) => ({ op: 'saveFrameworkId', id })) },
  {
    weight: 1,
    arbitrary: fc
      .record({ name: hostName, mode: fc.constantFrom('NONE', 'DRAINING') })
      .map(({ name, mode }) =>
        name === 'h3' && mode === 'DRAINING'
          ? { op: 'removeHostAttributes', host: name }
          : { op: 'saveHostAttributes', hostAttributes: host(name, { mode: mode as 'NONE' }) },
      ),
  },
)

const precondition = fc.oneof(
  taskId.map((key) => ({ entity: 'task', key, exists: true })),
  taskId.map((key) => ({ entity: 'task', key, absent: true })),
  fc.record({ key: taskId, status }).map(({ key, status }) => ({ entity: 'task', key, where: { status } })),
  fc
    .record({ role, jobName })
    .map(({ role, jobName }) => ({ entity: 'job', key: `${role}/prod/${jobName}`, exists: true })),
  role.map((key) => ({ entity: 'role', key, absent: true })),
  fc
    .record({ name: hostName, lsn: fc.nat(20) })
    .map(({ name, lsn }) => ({ entity: 'task', scope: { host: name }, unchangedSince: lsn })),
  fc
    .record({ role, lsn: fc.nat(20) })
    .map(({ role, lsn }) => ({ entity: 'task', scope: { role }, unchangedSince: lsn })),
  updateKey.map(({ job, id }) => ({
    entity: 'jobUpdate',
    key: `${job.role}/prod/${job.name}/${id}`,
    where: { status: 'ERROR' },
  })),
  fc
    .record({ job: jobKey, lsn: fc.nat(20), entity: fc.constantFrom('jobUpdate', 'cronJob', 'lock', 'job') })
    .map(({ job, lsn, entity }) => ({
      entity,
      scope: { job: `${job.role}/prod/${job.name}` },
      unchangedSince: lsn,
    })),
)

/** A request as the API would have parsed it. */
export const randomTransaction: fc.Arbitrary<TransactionRequest> = fc
  .record({
    operations: fc.array(operation, { minLength: 1, maxLength: 3 }),
    preconditions: fc.array(precondition, { maxLength: 1 }),
  })
  .map((request) => transactionRequest.parse(request))
