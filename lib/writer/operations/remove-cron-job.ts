import { jobId } from '../../model/job-key.ts'
import { cronJobsTable } from '../../store/cron-jobs-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const removeCronJob: OperationHandler<'removeCronJob'> = {
  announce({ jobKey }, reads) {
    reads.row(cronJobsTable, jobId(jobKey))
  },

  decide({ jobKey }, state) {
    const there = state.row(cronJobsTable, jobId(jobKey)) !== undefined
    if (there) state.emit({ event: 'cronJobRemoved', v: 1, jobKey: jobId(jobKey) })
    return { op: 'removeCronJob', affected: there ? 1 : 0 }
  },
}
