import { hostsTable } from '../../store/hosts-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const removeHostAttributes: OperationHandler<'removeHostAttributes'> = {
  announce({ host }, reads) {
    reads.row(hostsTable, host)
  },

  decide({ host }, state) {
    const there = state.row(hostsTable, host) !== undefined
    if (there) state.emit({ event: 'hostAttributesRemoved', v: 1, host })
    return { op: 'removeHostAttributes', affected: there ? 1 : 0 }
  },
}
