import { migrateStore } from '../migrate/migrate-store.ts'
import type { Logger } from '../model/logger.ts'
import type { Engine } from '../store/engine.ts'
import type { Rules } from './usable.ts'

/**
 * Brings a store that was booted from an image to the schema of this build. One that has it is looked at, too: its log may
 * have been finalized beyond what this build reads.
 *
 * @throws BorealError `migration_failed`
 */
export async function migrated(
  engine: Engine,
  image: { name: string; schemaChecksum: string },
  { base, logger }: { base: Rules; logger: Logger },
): Promise<void> {
  const { schemaChecksum, name } = image
  const { scripts, ...way } = await migrateStore(engine, base.migrations, { schemaChecksum })
  if (scripts.length === 0) return
  const ms = scripts.reduce((sum, script) => sum + script.ms, 0)
  logger.info('migrated a store', { image: name, ...way, scripts: scripts.map(({ name }) => name), ms })
}
