import { LOG_FORMAT } from '../log/event-log.ts'
import type { BaseImage } from '../store/base-image.ts'
import { POSTGRES_MAJOR } from '../store/engine.ts'
import { schemaChecksumOf } from '../store/migrations.ts'
import type { Manifest } from './documents.ts'

/** What a build's stores are. */
export type Rules = Pick<BaseImage, 'schemaVersion' | 'schemaChecksum' | 'migrations'>

/**
 * Why this build cannot boot from a snapshot, in words; undefined when it can. An image is physical: it goes with a
 * version of Postgres. One of another schema is migrated when it has booted; whether the scripts that a newer one
 * carries lead back to our schema is seen then.
 */
export function unusableBecause(manifest: Manifest, rules: Rules): string | undefined {
  const { schemaVersion, schemaChecksum, postgres, logFormat } = manifest
  if (Number.parseInt(postgres, 10) !== POSTGRES_MAJOR) {
    return `it was made by Postgres ${postgres}, this build has ${POSTGRES_MAJOR}`
  }
  if (schemaVersion <= rules.schemaVersion && schemaChecksum !== checksumAt(schemaVersion, rules)) {
    return `its schema ${schemaVersion} was made by other migrations`
  }
  if (logFormat > LOG_FORMAT) return `it follows log format ${logFormat}, this build knows ${LOG_FORMAT}`
  return undefined
}

function checksumAt(schemaVersion: number, { migrations }: Rules): string {
  return schemaChecksumOf(migrations.slice(0, schemaVersion))
}
