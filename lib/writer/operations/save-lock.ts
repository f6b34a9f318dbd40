import { BorealError } from '../../model/errors.ts'
import { jobId } from '../../model/job-key.ts'
import { findLockByToken } from '../../store/locks.ts'
import { locksTable } from '../../store/locks-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const saveLock: OperationHandler<'saveLock'> = {
  announce({ lock }, reads) {
    reads.row(locksTable, jobId(lock.key.job))
    reads.find(findLockByToken(lock.token))
  },

  decide({ lock: { key, version, ...rest } }, state) {
    const { role, environment, name } = key.job
    const held = state.row(locksTable, jobId(key.job))
    if (held !== undefined) {
      throw new BorealError('already_exists', `job ${jobId(key.job)} is locked by ${JSON.stringify(held.user)}`)
    }
    if (state.find(findLockByToken(rest.token)).length > 0) {
      throw new BorealError('already_exists', 'another lock has this token; make a new one')
    }
    state.emit({ event: 'lockSaved', v: 1, lock: { role, environment, jobName: name, ...rest } })
    return { op: 'saveLock', affected: 1 }
  },
}
