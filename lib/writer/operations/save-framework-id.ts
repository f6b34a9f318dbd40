import { schedulerTable } from '../../store/scheduler-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const saveFrameworkId: OperationHandler<'saveFrameworkId'> = {
  announce(_operation, reads) {
    reads.row(schedulerTable, '')
  },

  decide({ id }, state) {
    state.emit({ event: 'schedulerSaved', v: 1, scheduler: { frameworkId: id } })
    return { op: 'saveFrameworkId', affected: 1 }
  },
}
