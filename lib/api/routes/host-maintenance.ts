import * as z from 'zod'
import { hostMaintenanceRequest } from '../../model/host-maintenance.ts'
import { lsn, name } from '../../model/scalars.ts'
import { hostMaintenanceOf, hostMaintenancePage } from '../../store/host-maintenance.ts'
import { listRoute, recordRoute } from '../data-route.ts'

const requestRecord = hostMaintenanceRequest.extend({ version: lsn })

export const hostMaintenanceRoutes = [
  listRoute({
    path: '/v1/host-maintenance',
    name: 'listHostMaintenance',
    summary: 'Maintenance requests of all hosts that have one',
    record: requestRecord,
    statement: (_filters, page) => hostMaintenancePage(page),
  }),
  recordRoute({
    path: '/v1/host-maintenance/{host}',
    name: 'getHostMaintenance',
    summary: 'The maintenance request of one host',
    params: z.strictObject({ host: name }),
    record: requestRecord,
    what: ({ host }) => `maintenance request of host ${JSON.stringify(host)}`,
    statement: ({ host }) => hostMaintenanceOf(host),
  }),
]
