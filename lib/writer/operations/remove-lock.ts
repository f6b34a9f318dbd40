import { jobId } from '../../model/job-key.ts'
import { locksTable } from '../../store/locks-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const removeLock: OperationHandler<'removeLock'> = {
  announce({ lockKey }, reads) {
    reads.row(locksTable, jobId(lockKey.job))
  },

  decide({ lockKey }, state) {
    const jobKey = jobId(lockKey.job)
    const there = state.row(locksTable, jobKey) !== undefined
    if (there) state.emit({ event: 'lockRemoved', v: 1, jobKey })
    return { op: 'removeLock', affected: there ? 1 : 0 }
  },
}
