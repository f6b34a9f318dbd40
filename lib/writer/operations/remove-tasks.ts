import { findTasks, taskFilter } from '../../store/task-filter.ts'
import { tasksTable } from '../../store/tasks-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const removeTasks: OperationHandler<'removeTasks'> = {
  announce({ taskIds, query }, reads) {
    for (const taskId of taskIds ?? []) reads.row(tasksTable, taskId)
    if (query !== undefined) reads.find(findTasks(taskFilter(query)))
  },

  decide({ taskIds, query }, state) {
    const there =
      query === undefined
        ? [...new Set(taskIds)].filter((taskId) => state.row(tasksTable, taskId) !== undefined)
        : state.find(findTasks(taskFilter(query))).map((row) => row.taskId)
    if (there.length > 0) state.emit({ event: 'tasksRemoved', v: 1, taskIds: there })
    return { op: 'removeTasks', affected: there.length, taskIds: there }
  },
}
