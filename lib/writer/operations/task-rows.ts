import { contentHash } from '../../model/canonical.ts'
import type { TaskConfigRow, TaskRow } from '../../model/events.ts'
import { getOrInsert } from '../../model/get-or-insert.ts'
import type { ScheduledTask } from '../../model/task.ts'
import type { TaskConfig } from '../../model/task-config.ts'
import { taskConfigsTable } from '../../store/task-configs-table.ts'
import type { Overlay } from '../overlay.ts'

const ids = new WeakMap<TaskConfig, string>()

/** Id of a config: the hash of its content. Remembered, because a batch that lost a race is decided again. */
export function configIdOf(config: TaskConfig): string {
  return getOrInsert(ids, config, () => contentHash(config))
}

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
  const missing = new Map<string, TaskConfigRow>()
  for (const config of configs) {
    const configId = configIdOf(config)
    if (state.row(taskConfigsTable, configId) === undefined) missing.set(configId, { configId, config })
  }
  state.emit({
    event: 'tasksSaved',
    v: 1,
    tasks,
    ...(missing.size === 0 ? {} : { configs: [...missing.values()] }),
  })
}
