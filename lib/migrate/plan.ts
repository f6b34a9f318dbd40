import type { Engine } from '../store/engine.ts'
import type { Migration } from '../store/migrations.ts'
import { jsonOf } from '../store/result-set.ts'
import { statement } from '../store/statement.ts'
import { type Migrated, type MigrateOptions, migrateStore } from './migrate-store.ts'

/** What migrating a store would do, by having done it. */
export interface TriedMigration extends Migrated {
  /** Rows of every table before, whatever the schema, and after. */
  rowsBefore: Record<string, number>
  rowsAfter: Record<string, number>
}

/** By name, of all tables that there are. */
const TABLES = statement(`
  select coalesce(json_agg(c.oid::regclass::text order by c.oid::regclass::text), '[]')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'boreal') and c.relkind = 'r'`)

/**
 * Really runs what brings a store to the schema that `build` makes, and rolls it back.
 *
 * @throws BorealError `migration_failed` as the migration itself would
 */
export async function tryMigration(
  engine: Engine,
  build: readonly Migration[],
  options: Omit<MigrateOptions, 'dryRun'> = {},
): Promise<TriedMigration> {
  const rowsBefore = await rowCounts(engine)
  let rowsAfter = rowsBefore
  const look = async () => {
    rowsAfter = await rowCounts(engine)
  }
  const migrated = await migrateStore(engine, build, { ...options, dryRun: { look } })
  return { ...migrated, rowsBefore, rowsAfter }
}

async function rowCounts(engine: Engine): Promise<Record<string, number>> {
  const [found] = await engine.run([TABLES])
  const tables = jsonOf<string[]>(found)!
  const counts = await engine.run(tables.map((table) => statement(`select to_json(count(*)) from ${table}`)))
  return Object.fromEntries(tables.map((table, index) => [table, jsonOf<number>(counts[index])!]))
}
