import * as z from 'zod'
import { name, setOf, text } from './scalars.ts'

export const MAINTENANCE_MODES = ['NONE', 'SCHEDULED', 'DRAINING', 'DRAINED'] as const

export const maintenanceMode = z.enum(MAINTENANCE_MODES)

export type MaintenanceMode = z.infer<typeof maintenanceMode>

/** What a host is and whether it is in maintenance. Saved whole: nothing is merged with what was there. */
export const hostAttributes = z.strictObject({
  host: name,
  slaveId: name.optional(),
  mode: maintenanceMode,
  attributes: setOf(
    z.strictObject({ name, values: setOf(text).refine((values) => values.length > 0, 'must have at least one value') }),
  ).default([]),
  version: z.int().optional(),
})

export type HostAttributes = z.infer<typeof hostAttributes>
