import { quotasTable } from '../../store/quotas-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const saveQuota: OperationHandler<'saveQuota'> = {
  announce({ role }, reads) {
    reads.row(quotasTable, role)
  },

  decide({ role, quota }, state) {
    state.emit({ event: 'quotaSaved', v: 1, role, quota })
    return { op: 'saveQuota', affected: 1 }
  },
}
