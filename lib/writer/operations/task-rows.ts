import type { TaskRow } from '../../model/events.ts'
import type { ScheduledTask } from '../../model/task.ts'
import type { TaskConfig } from '../../model/task-config.ts'
import type { Overlay } from '../overlay.ts'
import { configIdOf, missingConfigs } from './config-rows.ts'

/** The part of a row that comes from its config. */
export function configPart(config: TaskConfig) {
  return {
    role: config.job.role,
    environment: config.job.environment,
    jobName: config.job.name,
    configId: configIdOf(config),
  }
}

/** The row of a task as a client gives it. */
export function taskRow(task: ScheduledTask, createdMs: number): TaskRow {
  const { taskId, instanceId, slaveId, slaveHost, assignedPorts, task: config } = task.assignedTask
  return {
    taskId,
    ...configPart(config),
    instanceId,
    status: task.status,
    ...(slaveHost === undefined ? {} : { slaveHost }),
    ...(slaveId === undefined ? {} : { slaveId }),
    failureCount: task.failureCount,
    timesPartitioned: task.timesPartitioned,
    ...(task.ancestorId === undefined ? {} : { ancestorId: task.ancestorId }),
    taskEvents: task.taskEvents,
    assignedPorts,
    createdMs,
  }
}

/** Emits the event that puts rows, with those of their configs that the store does not have yet. */
export function emitTasksSaved(state: Overlay, tasks: TaskRow[], configs: TaskConfig[]): void {
  state.emit({ event: 'tasksSaved', v: 1, tasks, ...missingConfigs(state, configs) })
}
