import type { Route } from './route.ts'
import { backupRoutes } from './routes/backups.ts'
import { cronJobRoutes } from './routes/cron-jobs.ts'
import { hostMaintenanceRoutes } from './routes/host-maintenance.ts'
import { hostRoutes } from './routes/hosts.ts'
import { jobUpdateRoutes } from './routes/job-updates.ts'
import { jobRoutes } from './routes/jobs.ts'
import { lockRoutes } from './routes/locks.ts'
import { logRoutes } from './routes/log.ts'
import { openApiRoute } from './routes/openapi.ts'
import { operationRoutes } from './routes/operations.ts'
import { queryRoutes } from './routes/query.ts'
import { quotaRoutes } from './routes/quotas.ts'
import { readsRoute } from './routes/reads.ts'
import { roleRoutes } from './routes/roles.ts'
import { schedulerRoutes } from './routes/scheduler.ts'
import { snapshotRoutes } from './routes/snapshots.ts'
import { statusRoutes } from './routes/status.ts'
import { taskRoutes } from './routes/tasks.ts'
import { transactionRoutes } from './routes/transactions.ts'

/** Routes that answer with records, and can be combined in one request. */
export const dataRoutes: Route[] = [
  ...taskRoutes,
  ...jobRoutes,
  ...roleRoutes,
  ...cronJobRoutes,
  ...jobUpdateRoutes,
  ...hostRoutes,
  ...hostMaintenanceRoutes,
  ...quotaRoutes,
  ...lockRoutes,
  ...schedulerRoutes,
]

/** Every route of the API. */
export const routes: Route[] = [
  ...transactionRoutes,
  ...dataRoutes,
  readsRoute(dataRoutes),
  ...queryRoutes,
  ...logRoutes,
  ...statusRoutes,
  ...snapshotRoutes,
  ...backupRoutes,
  ...operationRoutes,
]

routes.push(openApiRoute(routes))
