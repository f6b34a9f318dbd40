import * as z from 'zod'
import { hostAttributes } from './host-attributes.ts'
import { quota } from './resource.ts'
import { identifier, int32, name } from './scalars.ts'
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

export const operation = z.discriminatedUnion('op', [
  saveTasks,
  mutateTasks,
  removeTasks,
  saveQuota,
  removeQuota,
  saveHostAttributes,
])

export type Operation = z.infer<typeof operation>
export type OperationName = Operation['op']
export type OperationOf<N extends OperationName> = Extract<Operation, { op: N }>

/** What one operation did: how many rows it concerned, and what the operation adds. */
export const operationResult = z.strictObject({
  op: z.enum(operation.options.map((option) => option.shape.op.value) as [OperationName, ...OperationName[]]),
  affected: z.int(),
  taskIds: z.array(z.string()).optional().describe('mutateTasks, removeTasks: the tasks concerned'),
  changed: z.boolean().optional().describe('saveHostAttributes: whether the record differs from the one before'),
})

export type OperationResult = z.infer<typeof operationResult>
