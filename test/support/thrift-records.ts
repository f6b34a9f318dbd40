import { CRON_COLLISION_POLICIES } from '../../lib/model/cron-job.ts'

/**
 * Thrift JSON of Aurora's storage.thrift and api.thrift, read by field ids. Every id must be known: a field that is not
 * in these tables is an error, so nothing is lost unseen.
 */

/** `{"1": {"str": "a"}, "2": {"rec": {…}}}` */
export type ThriftStruct = Record<string, Record<string, unknown>>

type Field = [name: string, type?: Shape]
/** A struct, an enum, or what the items of a set or list are. */
type Shape = { fields: Record<number, Field> } | { names: Record<number, string> }

const struct = (fields: Record<number, Field>): Shape => ({ fields })
const names = (given: Record<number, string>): Shape => ({ names: given })

const jobKey = struct({ 1: ['role'], 2: ['environment'], 3: ['name'] })
const pair = struct({ 1: ['key'], 2: ['value'] })
const range = struct({ 1: ['first'], 2: ['last'] })
const identity = struct({ 2: ['user'] })
const scheduleStatus = names({ 0: 'PENDING', 1: 'STARTING', 2: 'RUNNING', 11: 'INIT' })
const updateStatus = names({ 0: 'ROLLING_FORWARD' })
const action = names({ 1: 'INSTANCE_UPDATED' })
const maintenanceMode = names({ 1: 'NONE' })
const resource = struct({ 1: ['numCpus'], 2: ['ramMb'], 3: ['diskMb'], 4: ['namedPort'], 5: ['numGpus'] })
const slaPolicy = struct({
  1: ['percentage', struct({ 1: ['percentage'], 2: ['durationSecs'] })],
  2: ['count', struct({ 1: ['count'], 2: ['durationSecs'] })],
  3: ['coordinator', struct({ 1: ['coordinatorUrl'], 2: ['statusKey'] })],
})

const taskConfig = struct({
  7: ['isService'],
  11: ['priority'],
  13: ['maxTaskFailures'],
  17: ['owner', identity],
  18: ['production'],
  20: [
    'constraints',
    struct({
      1: ['name'],
      2: [
        'constraint',
        struct({ 1: ['value', struct({ 1: ['negated'], 2: ['values'] })], 2: ['limit', struct({ 1: ['limit'] })] }),
      ],
    }),
  ],
  22: ['taskLinks'],
  23: ['contactEmail'],
  25: ['executorConfig', struct({ 1: ['name'], 2: ['data'] })],
  27: ['metadata', pair],
  28: ['job', jobKey],
  29: [
    'container',
    struct({
      1: ['mesos', struct({})],
      2: ['docker', struct({ 1: ['image'], 2: ['parameters', struct({ 1: ['name'], 2: ['value'] })] })],
    }),
  ],
  30: ['tier'],
  32: ['resources', resource],
  33: ['mesosFetcherUris', struct({ 1: ['value'], 2: ['extract'], 3: ['cache'], 4: ['outputFile'] })],
  34: ['partitionPolicy', struct({ 1: ['reschedule'], 2: ['delaySecs'] })],
  35: ['slaPolicy', slaPolicy],
})

const scheduledTask = struct({
  1: [
    'assignedTask',
    struct({
      ...{ 1: ['taskId'], 2: ['slaveId'], 3: ['slaveHost'], 4: ['task', taskConfig] },
      ...{ 5: ['assignedPorts'], 6: ['instanceId'] },
    }),
  ],
  2: ['status', scheduleStatus],
  3: ['failureCount'],
  4: ['taskEvents', struct({ 1: ['timestamp'], 2: ['status', scheduleStatus], 3: ['message'], 4: ['scheduler'] })],
  5: ['ancestorId'],
  6: ['timesPartitioned'],
})

const jobConfiguration = struct({
  4: ['cronSchedule'],
  5: ['cronCollisionPolicy', names({ ...CRON_COLLISION_POLICIES })],
  6: ['taskConfig', taskConfig],
  7: ['owner', identity],
  8: ['instanceCount'],
  9: ['key', jobKey],
})

const updateKey = struct({ 1: ['job', jobKey], 2: ['id'] })
const instanceTaskConfig = struct({ 1: ['task', taskConfig], 2: ['instances', range] })
const strategy = struct({
  1: ['queue', struct({ 1: ['groupSize'] })],
  2: ['batch', struct({ 1: ['groupSize'], 2: ['autopauseAfterBatch'] })],
  3: ['varBatch', struct({ 1: ['groupSizes'], 2: ['autopauseAfterBatch'] })],
})

const jobUpdate = struct({
  1: [
    'summary',
    struct({
      3: ['user'],
      4: ['state', struct({ 1: ['status', updateStatus], 2: ['createdTimestampMs'], 3: ['lastModifiedTimestampMs'] })],
      5: ['key', updateKey],
      6: ['metadata', pair],
    }),
  ],
  2: [
    'instructions',
    struct({
      1: ['initialState', instanceTaskConfig],
      2: ['desiredState', instanceTaskConfig],
      3: [
        'settings',
        struct({
          ...{ 1: ['updateGroupSize'], 2: ['maxPerInstanceFailures'], 3: ['maxFailedInstances'] },
          ...{ 5: ['minWaitInInstanceRunningMs'], 6: ['rollbackOnFailure'], 7: ['updateOnlyTheseInstances', range] },
          ...{ 8: ['waitForBatchCompletion'], 9: ['blockIfNoPulsesAfterMs'], 10: ['slaAware'] },
          11: ['updateStrategy', strategy],
        }),
      ],
    }),
  ],
})

const lockKey = struct({ 1: ['job', jobKey] })
const hostAttributes = struct({
  ...{ 1: ['host'], 2: ['attributes', struct({ 1: ['name'], 2: ['values'] })] },
  ...{ 3: ['mode', maintenanceMode], 4: ['slaveId'] },
})

/** Field of Aurora's `Op` union → our operation, and what its fields are. Names are ours where they differ. */
export const OPERATION_OF_FIELD: Record<string, [op: string, Shape]> = {
  1: ['saveFrameworkId', struct({ 1: ['id'] })],
  2: ['saveCronJob', struct({ 2: ['jobConfiguration', jobConfiguration] })],
  5: ['removeCronJob', struct({ 2: ['jobKey', jobKey] })],
  6: ['saveTasks', struct({ 1: ['tasks', scheduledTask] })],
  7: ['removeTasks', struct({ 1: ['taskIds'] })],
  8: ['saveQuota', struct({ 1: ['role'], 2: ['quota', struct({ 4: ['resources', resource] })] })],
  9: ['removeQuota', struct({ 1: ['role'] })],
  10: ['saveHostAttributes', struct({ 1: ['hostAttributes', hostAttributes] })],
  12: [
    'saveLock',
    struct({
      1: ['lock', struct({ 1: ['key', lockKey], 2: ['token'], 3: ['user'], 4: ['timestampMs'], 5: ['message'] })],
    }),
  ],
  13: ['removeLock', struct({ 1: ['lockKey', lockKey] })],
  14: ['saveJobUpdate', struct({ 1: ['jobUpdate', jobUpdate] })],
  15: [
    'saveJobUpdateEvent',
    struct({
      1: ['event', struct({ 1: ['status', updateStatus], 2: ['timestampMs'], 3: ['user'], 4: ['message'] })],
      3: ['key', updateKey],
    }),
  ],
  16: [
    'saveJobInstanceUpdateEvent',
    struct({
      1: ['event', struct({ 1: ['instanceId'], 2: ['timestampMs'], 3: ['action', action], 4: ['message'] })],
      3: ['key', updateKey],
    }),
  ],
  17: ['pruneJobUpdates', struct({ 1: ['perJobRetainCount'], 2: ['historyPruneThresholdMs'] })],
  18: ['removeJobUpdates', struct({ 1: ['keys', updateKey] })],
  19: [
    'saveHostMaintenanceRequest',
    struct({
      1: [
        'request',
        struct({
          ...{ 1: ['host'], 2: ['defaultSlaPolicy', slaPolicy] },
          ...{ 3: ['timeoutSecs'], 4: ['createdTimestampMs'] },
        }),
      ],
    }),
  ],
  20: ['removeHostMaintenanceRequest', struct({ 1: ['host'] })],
}

/** Our operation for one of Aurora's `Op`s, and every scalar that stands in it, as text. */
export function operationOfThrift(given: ThriftStruct): {
  operation: { op: string } & Record<string, unknown>
  scalars: string[]
} {
  const [id] = Object.keys(given)
  const [op, shape] = OPERATION_OF_FIELD[id!]!
  const scalars: string[] = []
  const operation = { op, ...(plain(given[id!]!, shape, scalars) as object) }
  return { operation, scalars }
}

/** The value in `{"str": …}`, `{"rec": {…}}`, `{"set": [type, count, …items]}`, `{"map": [key, value, count, {…}]}`. */
function plain(tagged: Record<string, unknown>, shape: Shape | undefined, scalars: string[]): unknown {
  const [[tag, value]] = Object.entries(tagged) as [[string, unknown]]
  if (tag === 'rec') return structOf(value as ThriftStruct, shape, scalars)
  if (tag === 'set' || tag === 'lst') {
    const [type, , ...items] = value as [string, number, ...unknown[]]
    return items.map((item) => plain({ [type]: item }, shape, scalars))
  }
  if (tag === 'map') {
    const [, type, , entries] = value as [string, string, number, Record<string, unknown>]
    return Object.fromEntries(
      Object.entries(entries).map(([key, item]) => {
        scalars.push(key)
        return [key, plain({ [type]: item }, shape, scalars)]
      }),
    )
  }
  const scalar =
    tag === 'tf' ? value === 1 : shape !== undefined && 'names' in shape ? shape.names[value as number] : value
  if (scalar === undefined) throw new Error(`no name is known for the value ${value}`)
  scalars.push(String(scalar))
  return scalar
}

function structOf(given: ThriftStruct, shape: Shape | undefined, scalars: string[]): Record<string, unknown> {
  if (shape === undefined || !('fields' in shape)) throw new Error(`no fields are known: ${JSON.stringify(given)}`)
  return Object.fromEntries(
    Object.entries(given).map(([id, tagged]) => {
      const field = shape.fields[Number(id)]
      if (field === undefined) throw new Error(`no field ${id} is known: ${JSON.stringify(given)}`)
      return [field[0], plain(tagged, field[1], scalars)]
    }),
  )
}
