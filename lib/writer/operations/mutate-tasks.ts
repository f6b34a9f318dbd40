import { isDeepStrictEqual } from 'node:util'
import type { TaskRow } from '../../model/events.ts'
import { jobId } from '../../model/job-key.ts'
import type { OperationOf } from '../../model/operations.ts'
import { findTasks, taskFilter } from '../../store/task-filter.ts'
import { announceConfig } from './config-rows.ts'
import { checkActiveTasks } from './limits.ts'
import type { OperationHandler } from './operation-handler.ts'
import { configPart, emitTasksSaved } from './task-rows.ts'

export const mutateTasks: OperationHandler<'mutateTasks'> = {
  announce({ query, patch }, reads) {
    reads.find(findTasks(taskFilter(query)))
    if (patch.task === undefined) return
    announceConfig(patch.task, reads)
    reads.job(jobId(patch.task.job))
  },

  decide(operation, state) {
    const matched = state.find(findTasks(taskFilter(operation.query)))
    const mutated = matched.map((row) => mutate(row, operation))
    // A row that is left as it was is not written: nothing changed, so its version does not either.
    const changed = mutated.filter((row, index) => !isDeepStrictEqual(row, matched[index]))
    if (changed.length > 0) {
      const { task } = operation.patch
      const configs = task === undefined ? [] : [task]
      // A task may move into another job; what changes in place is not counted.
      const jobs = new Set(configs.map((config) => jobId(config.job)))
      checkActiveTasks(state, jobs, () => emitTasksSaved(state, changed, configs))
    }
    return { op: 'mutateTasks', affected: matched.length, taskIds: matched.map((row) => row.taskId) }
  },
}

function mutate(row: TaskRow, { patch, event }: OperationOf<'mutateTasks'>): TaskRow {
  const { task, slaveHost, slaveId, ancestorId, assignedPorts, ...plain } = patch
  const next: TaskRow = { ...row }
  for (const [field, value] of Object.entries(plain)) if (value !== undefined) Object.assign(next, { [field]: value })
  for (const [field, value] of Object.entries({ slaveHost, slaveId, ancestorId })) {
    if (value === null) delete next[field as 'slaveHost']
    else if (value !== undefined) next[field as 'slaveHost'] = value
  }
  if (assignedPorts !== undefined) next.assignedPorts = assignedPorts ?? {}
  if (task !== undefined) Object.assign(next, configPart(task))
  if (event !== undefined) next.taskEvents = [...row.taskEvents, event]
  return next
}
