import { quotasTable } from '../../store/quotas-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const removeQuota: OperationHandler<'removeQuota'> = {
  announce({ role }, reads) {
    reads.row(quotasTable, role)
  },

  decide({ role }, state) {
    const there = state.row(quotasTable, role) !== undefined
    if (there) state.emit({ event: 'quotaRemoved', v: 1, role })
    return { op: 'removeQuota', affected: there ? 1 : 0 }
  },
}
