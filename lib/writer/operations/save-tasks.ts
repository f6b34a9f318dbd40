import { taskConfigsTable } from '../../store/task-configs-table.ts'
import { tasksTable } from '../../store/tasks-table.ts'
import type { OperationHandler } from './operation-handler.ts'
import { configIdOf, emitTasksSaved, taskRow } from './task-rows.ts'

export const saveTasks: OperationHandler<'saveTasks'> = {
  announce({ tasks }, reads) {
    for (const { assignedTask } of tasks) {
      reads.row(tasksTable, assignedTask.taskId)
      reads.row(taskConfigsTable, configIdOf(assignedTask.task))
    }
  },

  decide({ tasks }, state) {
    const rows = tasks.map((task) => {
      const there = state.row(tasksTable, task.assignedTask.taskId)
      return taskRow(task, there?.createdMs ?? state.meta.timeMs)
    })
    emitTasksSaved(
      state,
      rows,
      tasks.map((task) => task.assignedTask.task),
    )
    return { op: 'saveTasks', affected: rows.length }
  },
}
