import { jobId, jobKey } from '../../model/job-key.ts'
import { lock } from '../../model/lock.ts'
import { lsn } from '../../model/scalars.ts'
import { lockOfJob, lockPage } from '../../store/locks.ts'
import { listRoute, recordRoute } from '../data-route.ts'

const lockRecord = lock.extend({ version: lsn })

export const lockRoutes = [
  listRoute({
    path: '/v1/locks',
    name: 'listLocks',
    summary: 'Locks on jobs',
    record: lockRecord,
    statement: (_filters, page) => lockPage(page),
  }),
  recordRoute({
    path: '/v1/locks/{role}/{environment}/{name}',
    name: 'getLock',
    summary: 'The lock on one job',
    params: jobKey,
    record: lockRecord,
    what: (key) => `lock on job ${jobId(key)}`,
    statement: (key) => lockOfJob(jobId(key)),
  }),
]
