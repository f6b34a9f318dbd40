import { hostMaintenanceTable } from '../../store/host-maintenance-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const saveHostMaintenanceRequest: OperationHandler<'saveHostMaintenanceRequest'> = {
  announce({ request }, reads) {
    reads.row(hostMaintenanceTable, request.host)
  },

  decide({ request: { version, ...request } }, state) {
    state.emit({ event: 'hostMaintenanceSaved', v: 1, request })
    return { op: 'saveHostMaintenanceRequest', affected: 1 }
  },
}
