import { archiveCheck } from './checks/archive.ts'
import { bodiesCheck } from './checks/bodies.ts'
import { logCheck } from './checks/log.ts'
import { registryCheck } from './checks/registry.ts'
import { restoresCheck } from './checks/restores.ts'
import { snapshotsCheck } from './checks/snapshots.ts'
import type { Check } from './context.ts'

/** Every examination, in the order in which they are made. */
export const CHECKS: readonly Check[] = [
  registryCheck,
  logCheck,
  bodiesCheck,
  snapshotsCheck,
  archiveCheck,
  restoresCheck,
]
