import * as z from 'zod'
import { quota } from '../../model/resource.ts'
import { identifier, lsn } from '../../model/scalars.ts'
import { roleByName, rolePage } from '../../store/roles.ts'
import { listRoute, recordRoute } from '../data-route.ts'
import { taskCounts } from './jobs.ts'

export const roleSummary = z.object({
  role: identifier,
  jobs: z.int(),
  cronJobs: z.int(),
  tasks: taskCounts,
  active: z.int(),
  terminal: z.int(),
  quota: quota.optional(),
  changedLsn: lsn,
})

export const roleRoutes = [
  listRoute({
    path: '/v1/roles',
    name: 'listRoles',
    summary: 'Summaries of roles; costs the number of jobs, not of tasks',
    record: roleSummary,
    statement: (_filters, page) => rolePage(page),
  }),
  recordRoute({
    path: '/v1/roles/{role}',
    name: 'getRole',
    summary: 'Summary of one role',
    params: z.strictObject({ role: identifier }),
    record: roleSummary,
    what: ({ role }) => `role ${role}`,
    statement: ({ role }) => roleByName(role),
  }),
]
