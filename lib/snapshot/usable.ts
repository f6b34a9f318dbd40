import { LOG_FORMAT } from '../log/event-log.ts'
import type { BaseImage } from '../store/base-image.ts'
import { POSTGRES_MAJOR } from '../store/engine.ts'
import type { Manifest } from './documents.ts'

/**
 * Why this build cannot boot from a snapshot, in words; undefined when it can. An image is physical: it goes with a
 * version of Postgres and with a schema. (Older schemas become usable with migrations that have no pre-restore script.)
 */
export function unusableBecause(manifest: Manifest, base: BaseImage): string | undefined {
  const { schemaVersion, schemaChecksum, postgres, logFormat } = manifest
  if (Number.parseInt(postgres, 10) !== POSTGRES_MAJOR) {
    return `it was made by Postgres ${postgres}, this build has ${POSTGRES_MAJOR}`
  }
  if (schemaVersion !== base.schemaVersion) {
    return `it has schema ${schemaVersion}, this build has ${base.schemaVersion}`
  }
  if (schemaChecksum !== base.schemaChecksum) return `its schema ${schemaVersion} was made by other migrations`
  if (logFormat > LOG_FORMAT) return `it follows log format ${logFormat}, this build knows ${LOG_FORMAT}`
  return undefined
}
