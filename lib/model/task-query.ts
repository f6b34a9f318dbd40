import * as z from 'zod'
import { jobKey } from './job-key.ts'
import { identifier, name } from './scalars.ts'
import { scheduleStatus } from './schedule-status.ts'
import { instanceId } from './task.ts'

/**
 * Which tasks: all restrictions AND, the values inside one OR (Aurora's TaskQuery).
 *
 * In reads null, absent and empty all mean "no restriction". In a mutation nothing may be left to a misunderstanding:
 * an empty list, or no restriction at all, is an error, and `{"all": true}`, alone, says everything.
 */
const restrictions = {
  role: identifier,
  environment: identifier,
  jobName: identifier,
  taskIds: z.array(name),
  jobKeys: z.array(jobKey),
  instanceIds: z.array(instanceId),
  statuses: z.array(scheduleStatus),
  slaveHosts: z.array(name),
}

export const taskQuery = z.strictObject({
  role: restrictions.role.nullish(),
  environment: restrictions.environment.nullish(),
  jobName: restrictions.jobName.nullish(),
  taskIds: restrictions.taskIds.nullish(),
  jobKeys: restrictions.jobKeys.nullish(),
  instanceIds: restrictions.instanceIds.nullish(),
  statuses: restrictions.statuses.nullish(),
  slaveHosts: restrictions.slaveHosts.nullish(),
})

export type TaskQuery = z.infer<typeof taskQuery>

const NOTHING_SAID = 'must name at least one restriction; {"all": true} says everything'

/** A query that decides what is changed. */
export const taskMutationQuery = z
  .strictObject({
    role: restrictions.role,
    environment: restrictions.environment,
    jobName: restrictions.jobName,
    taskIds: restrictions.taskIds.min(1),
    jobKeys: restrictions.jobKeys.min(1),
    instanceIds: restrictions.instanceIds.min(1),
    statuses: restrictions.statuses.min(1),
    slaveHosts: restrictions.slaveHosts.min(1),
    all: z.literal(true),
  })
  .partial()
  .refine((query) => Object.keys(query).length > 0, NOTHING_SAID)
  .refine((query) => query.all === undefined || Object.keys(query).length === 1, '"all" must stand alone')

export type TaskMutationQuery = z.infer<typeof taskMutationQuery>
