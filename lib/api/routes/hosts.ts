import * as z from 'zod'
import { hostAttributes, maintenanceMode } from '../../model/host-attributes.ts'
import { lsn, name } from '../../model/scalars.ts'
import { hostByName, hostPage } from '../../store/hosts.ts'
import { listRoute, recordRoute } from '../data-route.ts'
import { repeated } from '../read-options.ts'

const hostRecord = hostAttributes.extend({ version: lsn })

export const hostRoutes = [
  listRoute({
    path: '/v1/hosts',
    name: 'listHosts',
    summary: 'Attributes of hosts, of some maintenance modes if any are named',
    record: hostRecord,
    filters: { mode: repeated(maintenanceMode).optional() },
    statement: ({ mode = [] }, page) => hostPage(mode, page),
  }),
  recordRoute({
    path: '/v1/hosts/{host}',
    name: 'getHost',
    summary: 'Attributes of one host',
    params: z.strictObject({ host: name }),
    record: hostRecord,
    what: ({ host }) => `host ${JSON.stringify(host)}`,
    statement: ({ host }) => hostByName(host),
  }),
]
