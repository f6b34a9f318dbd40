import { BorealError } from '../model/errors.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { Engine } from '../store/engine.ts'
import type { Migration } from '../store/migrations.ts'
import { BEGIN, COMMIT, ROLLBACK } from '../store/statement.ts'
import { type Migrated, type MigrateOptions, migrateStore } from './migrate-store.ts'
import { runScripts } from './run-scripts.ts'
import { preRestore } from './way.ts'

/** A logical copy of a store: its schema can be loaded before its data. */
export interface Dump {
  /** Schema that it was made with. */
  schemaVersion: number
  /** Makes the tables of that schema, without rows, in an engine that has none. */
  loadSchema(engine: Engine): Promise<void>
  /** Puts the rows in, those of `boreal.schema_migration` and `boreal.applied` among them. */
  loadData(engine: Engine): Promise<unknown>
}

/**
 * Loads a dump and brings it to the schema that `build` makes: its schema, what its data must find by the newer migrations,
 * its data, and the rest as for an image (`migrateStore`). A dump of a newer schema goes down by the scripts in its data.
 * When this throws the engine is of no use.
 *
 * @throws BorealError `migration_failed`, and what the dump fails with
 */
export async function restoreDump(
  engine: Engine,
  dump: Dump,
  build: readonly Migration[],
  { monotonic = systemRuntime.monotonic }: Pick<MigrateOptions, 'monotonic'> = {},
): Promise<Migrated> {
  await dump.loadSchema(engine)
  await inTransaction(engine, () => runScripts(engine, build.slice(dump.schemaVersion).flatMap(preRestore), monotonic))
  await dump.loadData(engine)
  const migrated = await migrateStore(engine, build, { monotonic })
  if (migrated.from === dump.schemaVersion) return migrated
  throw new BorealError(
    'migration_failed',
    `a dump of schema ${dump.schemaVersion} has data of schema ${migrated.from}: it is not what it says`,
  )
}

async function inTransaction<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  await engine.run([BEGIN])
  try {
    const result = await work()
    await engine.run([COMMIT])
    return result
  } catch (error) {
    if (engine.alive) await engine.run([ROLLBACK])
    throw error
  }
}
