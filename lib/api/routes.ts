import type { Route } from './route.ts'
import { hostRoutes } from './routes/hosts.ts'
import { jobRoutes } from './routes/jobs.ts'
import { logRoutes } from './routes/log.ts'
import { openApiRoute } from './routes/openapi.ts'
import { queryRoutes } from './routes/query.ts'
import { quotaRoutes } from './routes/quotas.ts'
import { readsRoute } from './routes/reads.ts'
import { roleRoutes } from './routes/roles.ts'
import { statusRoutes } from './routes/status.ts'
import { taskRoutes } from './routes/tasks.ts'
import { transactionRoutes } from './routes/transactions.ts'

/** Routes that answer with records, and can be combined in one request. */
export const dataRoutes: Route[] = [...taskRoutes, ...jobRoutes, ...roleRoutes, ...hostRoutes, ...quotaRoutes]

/** Every route of the API. */
export const routes: Route[] = [
  ...transactionRoutes,
  ...dataRoutes,
  readsRoute(dataRoutes),
  ...queryRoutes,
  ...logRoutes,
  ...statusRoutes,
]

routes.push(openApiRoute(routes))
