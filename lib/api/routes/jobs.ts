import * as z from 'zod'
import { jobId, jobKey } from '../../model/job-key.ts'
import { jobUpdateSummary } from '../../model/job-update.ts'
import { identifier, lsn } from '../../model/scalars.ts'
import { scheduleStatus } from '../../model/schedule-status.ts'
import { jobById, jobPage } from '../../store/jobs.ts'
import { listRoute, recordRoute } from '../data-route.ts'
import { repeated } from '../read-options.ts'

/** Tasks by status, without the statuses that no task has. */
export const taskCounts = z.partialRecord(scheduleStatus, z.int())

export const jobSummary = z.object({
  key: jobKey,
  tasks: taskCounts,
  active: z.int(),
  terminal: z.int(),
  cron: z.literal(true).optional().describe('there is a cron job with this key'),
  activeUpdate: jobUpdateSummary.optional().describe('the update that goes on'),
  changedLsn: lsn,
})

export const jobRoutes = [
  listRoute({
    path: '/v1/jobs',
    name: 'listJobs',
    summary: 'Summaries of jobs; costs the number of jobs, not of tasks',
    record: jobSummary,
    filters: { role: repeated(identifier).optional(), environment: repeated(identifier).optional() },
    statement: ({ role = [], environment = [] }, page) => jobPage({ roles: role, environments: environment }, page),
  }),
  recordRoute({
    path: '/v1/jobs/{role}/{environment}/{name}',
    name: 'getJob',
    summary: 'Summary of one job',
    params: jobKey,
    record: jobSummary,
    what: (key) => `job ${jobId(key)}`,
    statement: (key) => jobById(jobId(key)),
  }),
]
