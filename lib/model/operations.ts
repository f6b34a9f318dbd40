import * as z from 'zod'
import { jobConfiguration } from './cron-job.ts'
import { hostAttributes } from './host-attributes.ts'
import { hostMaintenanceRequest } from './host-maintenance.ts'
import { jobKey } from './job-key.ts'
import { jobInstanceUpdateEvent, jobUpdate, jobUpdateEvent, jobUpdateKey } from './job-update.ts'
import { lock, lockKey } from './lock.ts'
import { quota } from './resource.ts'
import { identifier, int32, int64, name, text } from './scalars.ts'
import { scheduleStatus } from './schedule-status.ts'
import { assignedPorts, scheduledTask, taskEvent } from './task.ts'
import { taskConfig } from './task-config.ts'
import { taskMutationQuery } from './task-query.ts'

/** What a client can ask for: the operations of a transaction, one schema each, with the shape of its result. */

const distinctTaskIds = (tasks: { assignedTask: { taskId: string } }[]) =>
  new Set(tasks.map((task) => task.assignedTask.taskId)).size === tasks.length

/** Upserts tasks whole. */
export const saveTasks = z.strictObject({
  op: z.literal('saveTasks'),
  tasks: z.array(scheduledTask).min(1).refine(distinctTaskIds, 'task ids must be distinct'),
})

/** What a mutation sets; `null` clears. */
export const taskPatch = z
  .strictObject({
    status: scheduleStatus,
    slaveHost: name.nullable(),
    slaveId: name.nullable(),
    failureCount: int32.min(0),
    timesPartitioned: int32.min(0),
    assignedPorts: assignedPorts.nullable(),
    ancestorId: name.nullable(),
    task: taskConfig,
  })
  .partial()

export type TaskPatch = z.infer<typeof taskPatch>

/** Changes every task that the query finds. Finding none is no error. */
export const mutateTasks = z.strictObject({
  op: z.literal('mutateTasks'),
  query: taskMutationQuery,
  patch: taskPatch.default({}),
  event: taskEvent.optional(),
})

/** Removes tasks by id or by query; unknown ids are ignored. */
export const removeTasks = z
  .strictObject({
    op: z.literal('removeTasks'),
    taskIds: z.array(name).min(1).optional(),
    query: taskMutationQuery.optional(),
  })
  .refine((op) => (op.taskIds === undefined) !== (op.query === undefined), 'must have taskIds or query')

/** Sets what a role may use. */
export const saveQuota = z.strictObject({ op: z.literal('saveQuota'), role: identifier, quota })

/** Removes a role's quota; silent when there is none. */
export const removeQuota = z.strictObject({ op: z.literal('removeQuota'), role: identifier })

/** Replaces the whole record of a host. */
export const saveHostAttributes = z.strictObject({ op: z.literal('saveHostAttributes'), hostAttributes })

/** Upserts a job that is started by a schedule. */
export const saveCronJob = z.strictObject({ op: z.literal('saveCronJob'), jobConfiguration })

/** Removes a cron job; silent when there is none. */
export const removeCronJob = z.strictObject({ op: z.literal('removeCronJob'), jobKey })

/** Removes the record of a host; silent when there is none. */
export const removeHostAttributes = z.strictObject({ op: z.literal('removeHostAttributes'), host: name })

/** Upserts the maintenance request of a host. */
export const saveHostMaintenanceRequest = z.strictObject({
  op: z.literal('saveHostMaintenanceRequest'),
  request: hostMaintenanceRequest,
})

/** Removes the maintenance request of a host; silent when there is none. */
export const removeHostMaintenanceRequest = z.strictObject({
  op: z.literal('removeHostMaintenanceRequest'),
  host: name,
})

/** Creates an update; one that exists is an error. A lock token, if given, must be that of the lock on its job. */
export const saveJobUpdate = z.strictObject({
  op: z.literal('saveJobUpdate'),
  jobUpdate,
  lockToken: name.optional(),
})

/** Adds an event to an update that exists. An event with an `id` that is there already is not added again. */
export const saveJobUpdateEvent = z.strictObject({
  op: z.literal('saveJobUpdateEvent'),
  key: jobUpdateKey,
  event: jobUpdateEvent,
})

/** Adds an event of one instance to an update that exists; repetitions as in saveJobUpdateEvent. */
export const saveJobInstanceUpdateEvent = z.strictObject({
  op: z.literal('saveJobInstanceUpdateEvent'),
  key: jobUpdateKey,
  event: jobInstanceUpdateEvent,
})

/** Removes updates with their events; unknown keys are ignored. */
export const removeJobUpdates = z.strictObject({
  op: z.literal('removeJobUpdates'),
  keys: z.array(jobUpdateKey).min(1),
})

/** Removes terminal updates that were created at or before the threshold, or are not among the newest of their job. */
export const pruneJobUpdates = z.strictObject({
  op: z.literal('pruneJobUpdates'),
  perJobRetainCount: int32.min(0),
  historyPruneThresholdMs: int64,
})

/** Locks a job; a lock on it or with this token is an error. */
export const saveLock = z.strictObject({ op: z.literal('saveLock'), lock })

/** Removes a lock; silent when there is none. */
export const removeLock = z.strictObject({ op: z.literal('removeLock'), lockKey })

/** Remembers the id under which the scheduler is known to its cluster. */
export const saveFrameworkId = z.strictObject({ op: z.literal('saveFrameworkId'), id: text })

export const operation = z.discriminatedUnion('op', [
  saveTasks,
  mutateTasks,
  removeTasks,
  saveCronJob,
  removeCronJob,
  saveQuota,
  removeQuota,
  saveHostAttributes,
  removeHostAttributes,
  saveHostMaintenanceRequest,
  removeHostMaintenanceRequest,
  saveJobUpdate,
  saveJobUpdateEvent,
  saveJobInstanceUpdateEvent,
  removeJobUpdates,
  pruneJobUpdates,
  saveLock,
  removeLock,
  saveFrameworkId,
])

export type Operation = z.infer<typeof operation>
/** What only a node asks for, on behalf of an operator: no client can. */
export interface FinalizeFormat {
  op: 'finalizeFormat'
  format: number
}

/** Everything that the writer carries out. */
export type AnyOperation = Operation | FinalizeFormat

export type OperationName = AnyOperation['op']
export type OperationOf<N extends OperationName> = Extract<AnyOperation, { op: N }>

const OPERATION_NAMES: [OperationName, ...OperationName[]] = [
  'finalizeFormat',
  ...operation.options.map((option) => option.shape.op.value),
]

/** What one operation did: how many rows it concerned, and what the operation adds. */
export const operationResult = z.strictObject({
  op: z.enum(OPERATION_NAMES),
  affected: z.int(),
  taskIds: z.array(z.string()).optional().describe('mutateTasks, removeTasks: the tasks concerned'),
  keys: z.array(jobUpdateKey).optional().describe('removeJobUpdates, pruneJobUpdates: the updates removed'),
  changed: z.boolean().optional().describe('saveHostAttributes: whether the record differs from the one before'),
})

export type OperationResult = z.infer<typeof operationResult>
