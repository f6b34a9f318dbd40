import { isDeepStrictEqual } from 'node:util'
import type { HostRow } from '../../model/events.ts'
import { hostsTable } from '../../store/hosts-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const saveHostAttributes: OperationHandler<'saveHostAttributes'> = {
  announce({ hostAttributes }, reads) {
    reads.row(hostsTable, hostAttributes.host)
  },

  decide({ hostAttributes: { host, slaveId, mode, attributes } }, state) {
    const row: HostRow = { host, ...(slaveId === undefined ? {} : { slaveId }), mode, attributes }
    const changed = !isDeepStrictEqual(row, state.row(hostsTable, host))
    if (changed) state.emit({ event: 'hostAttributesSaved', v: 1, hostAttributes: row })
    return { op: 'saveHostAttributes', affected: changed ? 1 : 0, changed }
  },
}
