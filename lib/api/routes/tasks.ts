import * as z from 'zod'
import { jobKeyText } from '../../model/job-key.ts'
import { identifier, lsn, name } from '../../model/scalars.ts'
import { ACTIVE_STATUSES, type ScheduleStatus, scheduleStatus, TERMINAL_STATUSES } from '../../model/schedule-status.ts'
import { scheduledTask } from '../../model/task.ts'
import type { TaskFilter } from '../../store/task-filter.ts'
import { taskById, taskPage } from '../../store/tasks.ts'
import { listRoute, recordRoute } from '../data-route.ts'
import { instanceNumber, repeated } from '../read-options.ts'

const flag = z.literal('true').optional()

const filters = {
  role: repeated(identifier).optional(),
  environment: repeated(identifier).optional(),
  jobName: repeated(identifier).optional(),
  jobKey: repeated(jobKeyText).optional(),
  taskId: repeated(name).optional(),
  instanceId: repeated(instanceNumber).optional(),
  status: repeated(scheduleStatus).optional(),
  slaveHost: repeated(name).optional(),
  active: flag,
  terminal: flag,
}

const taskRecord = scheduledTask.extend({ version: lsn })

type Filters = z.infer<z.ZodObject<typeof filters>>

/** `active` and `terminal` are short for their statuses; together with `status` all must hold. */
function statusesOf({ status, active, terminal }: Filters): ScheduleStatus[] | undefined {
  const lists = [status, active && ACTIVE_STATUSES, terminal && TERMINAL_STATUSES].filter((list) => list !== undefined)
  if (lists.length === 0) return undefined
  return (lists as ScheduleStatus[][]).reduce((left, right) => left.filter((each) => right.includes(each)))
}

function filterOf(query: Filters): TaskFilter {
  return {
    roles: query.role,
    environments: query.environment,
    jobNames: query.jobName,
    jobIds: query.jobKey,
    taskIds: query.taskId,
    instanceIds: query.instanceId,
    statuses: statusesOf(query),
    slaveHosts: query.slaveHost,
  }
}

export const taskRoutes = [
  listRoute({
    path: '/v1/tasks',
    name: 'listTasks',
    summary: 'Tasks by any of their keys; different parameters AND, a repeated one OR',
    record: taskRecord,
    filters,
    statement: (query, page) => taskPage(filterOf(query), page),
  }),
  recordRoute({
    path: '/v1/tasks/{taskId}',
    name: 'getTask',
    summary: 'One task',
    params: z.strictObject({ taskId: name }),
    record: taskRecord,
    what: ({ taskId }) => `task ${JSON.stringify(taskId)}`,
    statement: ({ taskId }) => taskById(taskId),
  }),
]
