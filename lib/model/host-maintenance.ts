import * as z from 'zod'
import { int64, name } from './scalars.ts'
import { slaPolicy } from './task-config.ts'

/** A host that is to be drained within the promises of the tasks on it. `version` is ignored on input. */
export const hostMaintenanceRequest = z.strictObject({
  host: name,
  defaultSlaPolicy: slaPolicy.optional(),
  timeoutSecs: int64,
  createdTimestampMs: int64,
  version: z.int().optional(),
})

export type HostMaintenanceRequest = z.infer<typeof hostMaintenanceRequest>
