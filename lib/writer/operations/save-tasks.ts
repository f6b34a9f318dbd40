import { jobId } from '../../model/job-key.ts'
import { tasksTable } from '../../store/tasks-table.ts'
import { announceConfig } from './config-rows.ts'
import { checkActiveTasks } from './limits.ts'
import type { OperationHandler } from './operation-handler.ts'
import { emitTasksSaved, taskRow } from './task-rows.ts'

export const saveTasks: OperationHandler<'saveTasks'> = {
  announce({ tasks }, reads) {
    for (const { assignedTask } of tasks) {
      reads.row(tasksTable, assignedTask.taskId)
      reads.job(jobId(assignedTask.task.job))
      announceConfig(assignedTask.task, reads)
    }
  },

  decide({ tasks }, state) {
    const rows = tasks.map((task) => {
      const there = state.row(tasksTable, task.assignedTask.taskId)
      return taskRow(task, there?.createdMs ?? state.meta.timeMs)
    })
    const configs = tasks.map((task) => task.assignedTask.task)
    const jobs = new Set(configs.map((config) => jobId(config.job)))
    checkActiveTasks(state, jobs, () => emitTasksSaved(state, rows, configs))
    return { op: 'saveTasks', affected: rows.length }
  },
}
