import { hostMaintenanceTable } from '../../store/host-maintenance-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const removeHostMaintenanceRequest: OperationHandler<'removeHostMaintenanceRequest'> = {
  announce({ host }, reads) {
    reads.row(hostMaintenanceTable, host)
  },

  decide({ host }, state) {
    const there = state.row(hostMaintenanceTable, host) !== undefined
    if (there) state.emit({ event: 'hostMaintenanceRemoved', v: 1, host })
    return { op: 'removeHostMaintenanceRequest', affected: there ? 1 : 0 }
  },
}
