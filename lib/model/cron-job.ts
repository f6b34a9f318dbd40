import * as z from 'zod'
import { jobKey } from './job-key.ts'
import { int32, text } from './scalars.ts'
import { taskConfig } from './task-config.ts'

/** `RUN_OVERLAP` is deprecated in Aurora, kept because records carry it. */
export const CRON_COLLISION_POLICIES = ['KILL_EXISTING', 'CANCEL_NEW', 'RUN_OVERLAP'] as const

export type CronCollisionPolicy = (typeof CRON_COLLISION_POLICIES)[number]

/** A job that is started by a schedule: Aurora's JobConfiguration. `version` is ignored on input. */
export const jobConfiguration = z.strictObject({
  key: jobKey,
  /** Deprecated in Aurora, kept because records carry it. */
  owner: z.strictObject({ user: text }).optional(),
  cronSchedule: text.optional(),
  cronCollisionPolicy: z.enum(CRON_COLLISION_POLICIES).default('KILL_EXISTING'),
  taskConfig,
  instanceCount: int32.min(0).default(1),
  version: z.int().optional(),
})

export type JobConfiguration = z.infer<typeof jobConfiguration>
