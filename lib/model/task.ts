import * as z from 'zod'
import { int32, int64, mapOf, name, text } from './scalars.ts'
import { scheduleStatus } from './schedule-status.ts'
import { taskConfig } from './task-config.ts'

/** One entry of a task's history. */
export const taskEvent = z.strictObject({
  timestamp: int64,
  status: scheduleStatus,
  message: text.optional(),
  scheduler: text.optional(),
})

export type TaskEvent = z.infer<typeof taskEvent>

/** Ports by name. */
export const assignedPorts = mapOf(z.int().min(0).max(65_535))

export type AssignedPorts = z.infer<typeof assignedPorts>

export const instanceId = int32.min(0)

/** A task that was placed or is to be placed. Host and agent are stored inline: a task keeps the host it ran on. */
export const assignedTask = z.strictObject({
  taskId: name,
  instanceId,
  slaveId: name.optional(),
  slaveHost: name.optional(),
  assignedPorts: assignedPorts.default({}),
  task: taskConfig,
})

/** A task with its state and history. `version` is ignored on input, so a record that was read can be saved again. */
export const scheduledTask = z.strictObject({
  assignedTask,
  status: scheduleStatus,
  failureCount: int32.min(0).default(0),
  timesPartitioned: int32.min(0).default(0),
  taskEvents: z.array(taskEvent).default([]),
  ancestorId: name.optional(),
  version: z.int().optional(),
})

export type ScheduledTask = z.infer<typeof scheduledTask>
