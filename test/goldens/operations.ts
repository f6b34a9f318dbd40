import { fullConfig, fullTask, host, jobKey, quota } from '../support/records.ts'

/**
 * Operations with every field that there is, such that every kind of event comes of them. A field that is added to a
 * schema must be added here (a test says so), and is then a new shape of what the log holds.
 */

/** Beyond what a number of JSON holds exactly. */
const LARGE = '9007199254740993'

const config = (priority: number) => ({ ...fullConfig, priority })

function taskOf(taskId: string, priority: number) {
  const { assignedTask, ...rest } = fullTask(taskId)
  return { ...rest, assignedTask: { ...assignedTask, task: config(priority) } }
}

const ranges = [
  { first: 1, last: 2 },
  { first: 4, last: 5 },
]

const updateKey = { job: jobKey, id: 'update-1' }

const pair = (key: string) => ({ key, value: `value of ${key}` })

const jobUpdate = {
  summary: { key: updateKey, user: 'ann', metadata: [pair('change'), pair('ticket')] },
  instructions: {
    initialState: [
      { task: config(21), instances: ranges },
      { task: config(22), instances: [ranges[0], { first: 7, last: 9 }] },
    ],
    desiredState: { task: config(23), instances: ranges },
    settings: {
      updateGroupSize: 2,
      maxPerInstanceFailures: 1,
      maxFailedInstances: 2,
      minWaitInInstanceRunningMs: 1_000,
      rollbackOnFailure: true,
      updateOnlyTheseInstances: ranges,
      waitForBatchCompletion: true,
      blockIfNoPulsesAfterMs: 5_000,
      slaAware: true,
      updateStrategy: { varBatch: { groupSizes: [1, 2], autopauseAfterBatch: true } },
    },
  },
}

const statusEvent = (id: string, status: string, timestampMs: number) => ({
  op: 'saveJobUpdateEvent',
  key: updateKey,
  event: { id, status, timestampMs, user: 'bob', message: `now ${status}` },
})

const instanceEvent = (id: string, action: string, timestampMs: number) => ({
  op: 'saveJobInstanceUpdateEvent',
  key: updateKey,
  event: { id, instanceId: 4, timestampMs, action, message: `now ${action}` },
})

const maintained = { host: 'h7', timeoutSecs: 3_600, createdTimestampMs: LARGE }

/**
 * Each list is a transaction; new ones go to the end. Configs come with the first event that has them, so no two
 * operations share one.
 */
export const FULL_TRANSACTIONS: { op: string; [field: string]: unknown }[][] = [
  [{ op: 'saveTasks', tasks: [taskOf('task-1', 7), taskOf('task-2', 8)] }],
  [{ op: 'saveQuota', role: 'www', quota: quota(1.5, LARGE, 2_048) }],
  [
    {
      op: 'saveHostAttributes',
      hostAttributes: host('h7', {
        attributes: [
          { name: 'rack', values: ['a', 'b'] },
          { name: 'zone', values: ['eu-1', 'eu-2'] },
        ],
        mode: 'DRAINING',
      }),
    },
  ],
  [
    {
      op: 'saveHostMaintenanceRequest',
      request: { ...maintained, defaultSlaPolicy: { count: { count: 3, durationSecs: 60 } } },
    },
  ],
  [
    {
      op: 'saveCronJob',
      jobConfiguration: {
        key: { ...jobKey, name: 'nightly' },
        owner: { user: 'ann' },
        cronSchedule: '5 4 * * *',
        cronCollisionPolicy: 'CANCEL_NEW',
        taskConfig: { ...config(11), job: { ...jobKey, name: 'nightly' } },
        instanceCount: 4,
      },
    },
  ],
  [
    {
      op: 'saveLock',
      lock: { key: { job: jobKey }, token: 'token-1', user: 'ann', timestampMs: 1_478_000_000_000, message: 'mine' },
    },
  ],
  [{ op: 'saveJobUpdate', jobUpdate, lockToken: 'token-1' }],
  [
    statusEvent('event-1', 'ROLLING_FORWARD', 1_478_000_000_001),
    statusEvent('event-2', 'ROLLED_FORWARD', 1_478_000_000_003),
    instanceEvent('instance-1', 'INSTANCE_UPDATING', 1_478_000_000_002),
    instanceEvent('instance-2', 'INSTANCE_UPDATED', 1_478_000_000_004),
  ],
  [{ op: 'saveFrameworkId', id: 'framework-1' }],
]

/** What removes it all again. The cron job goes last, so that something is left until then. */
export const REMOVALS: { op: string; [field: string]: unknown }[][] = [
  [{ op: 'removeTasks', taskIds: ['task-1', 'task-2'] }],
  [{ op: 'removeQuota', role: 'www' }],
  [{ op: 'removeHostMaintenanceRequest', host: 'h7' }],
  [{ op: 'removeHostAttributes', host: 'h7' }],
  [{ op: 'removeLock', lockKey: { job: jobKey } }],
  [{ op: 'removeJobUpdates', keys: [updateKey] }],
  [{ op: 'removeCronJob', jobKey: { ...jobKey, name: 'nightly' } }],
]

/** Fields that clients need not give, because nobody looks at them. */
export const IGNORED_FIELDS = [
  ...['tasks[0].version', 'tasks[1].version', 'hostAttributes.version', 'request.version'],
  ...['jobConfiguration.version', 'lock.version', 'jobUpdate.summary.state'],
]
