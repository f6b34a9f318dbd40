import { jobConfiguration } from '../../model/cron-job.ts'
import { jobId, jobKey } from '../../model/job-key.ts'
import { identifier, lsn } from '../../model/scalars.ts'
import { cronJobById, cronJobPage } from '../../store/cron-jobs.ts'
import { listRoute, recordRoute } from '../data-route.ts'
import { repeated } from '../read-options.ts'

const cronJobRecord = jobConfiguration.extend({ version: lsn })

export const cronJobRoutes = [
  listRoute({
    path: '/v1/cron-jobs',
    name: 'listCronJobs',
    summary: 'Jobs that are started by a schedule, of some roles if any are named',
    record: cronJobRecord,
    filters: { role: repeated(identifier).optional() },
    statement: ({ role = [] }, page) => cronJobPage(role, page),
  }),
  recordRoute({
    path: '/v1/cron-jobs/{role}/{environment}/{name}',
    name: 'getCronJob',
    summary: 'One cron job',
    params: jobKey,
    record: cronJobRecord,
    what: (key) => `cron job ${jobId(key)}`,
    statement: (key) => cronJobById(jobId(key)),
  }),
]
