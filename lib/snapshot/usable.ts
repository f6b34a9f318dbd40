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
  const { postgres, logFormat } = manifest
  if (Number.parseInt(postgres, 10) !== POSTGRES_MAJOR) {
    return `it was made by Postgres ${postgres}, this build has ${POSTGRES_MAJOR}`
  }
  return strangeSchema(manifest, rules) ?? strangeLogFormat(logFormat)
}

/** Why this build cannot tell what an earlier schema was, in words; undefined when it can, or when it is a later one. */
export function strangeSchema(
  { schemaVersion, schemaChecksum }: Pick<Manifest, 'schemaVersion' | 'schemaChecksum'>,
  rules: Rules,
): string | undefined {
  const isOurs = schemaVersion > rules.schemaVersion || schemaChecksum === checksumAt(schemaVersion, rules)
  return isOurs ? undefined : `its schema ${schemaVersion} was made by other migrations`
}

export function strangeLogFormat(logFormat: number): string | undefined {
  return logFormat > LOG_FORMAT ? `it follows log format ${logFormat}, this build knows ${LOG_FORMAT}` : undefined
}

function checksumAt(schemaVersion: number, { migrations }: Rules): string {
  return schemaChecksumOf(migrations.slice(0, schemaVersion))
}
