import * as z from 'zod'
import { quota } from '../../model/resource.ts'
import { identifier, lsn } from '../../model/scalars.ts'
import { quotaOfRole, quotaPage } from '../../store/quotas.ts'
import { listRoute, recordRoute } from '../data-route.ts'

const roleQuota = z.object({ role: identifier, quota, version: lsn })

export const quotaRoutes = [
  listRoute({
    path: '/v1/quotas',
    name: 'listQuotas',
    summary: 'Quotas of all roles that have one',
    record: roleQuota,
    statement: (_filters, page) => quotaPage(page),
  }),
  recordRoute({
    path: '/v1/quotas/{role}',
    name: 'getQuota',
    summary: 'Quota of one role',
    params: z.strictObject({ role: identifier }),
    record: roleQuota,
    what: ({ role }) => `quota of role ${role}`,
    statement: ({ role }) => quotaOfRole(role),
  }),
]
