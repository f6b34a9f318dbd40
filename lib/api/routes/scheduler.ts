import * as z from 'zod'
import { lsn, text } from '../../model/scalars.ts'
import { schedulerState } from '../../store/scheduler.ts'
import { recordRoute } from '../data-route.ts'

export const schedulerRoutes = [
  recordRoute({
    path: '/v1/scheduler',
    name: 'getScheduler',
    summary: 'What the scheduler keeps about itself: the id under which its cluster knows it',
    record: z.object({ version: lsn, frameworkId: text.optional() }),
    what: () => 'scheduler',
    statement: () => schedulerState,
  }),
]
