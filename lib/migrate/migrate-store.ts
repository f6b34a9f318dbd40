import { BorealError } from '../model/errors.ts'
import { FORMAT_VERSION } from '../model/format.ts'
import { systemRuntime } from '../model/runtime.ts'
import type { Engine } from '../store/engine.ts'
import { readFormat } from '../store/format.ts'
import { type Migration, schemaChecksumOf } from '../store/migrations.ts'
import { jsonOf } from '../store/result-set.ts'
import { BEGIN, COMMIT, ROLLBACK, type Statement, statement } from '../store/statement.ts'
import { runScripts, type ScriptRun } from './run-scripts.ts'
import { type AppliedMigration, type Way, wayTo } from './way.ts'

/** What was done, or would be. */
export interface Migrated {
  from: number
  to: number
  scripts: ScriptRun[]
}

export interface MigrateOptions {
  monotonic?: (() => number) | undefined
  /** What the checksums of the store's migrations must amount to: those that its snapshot was taken with. */
  schemaChecksum?: string | undefined
  /** Run everything and roll it back. `look` sees the store as it would be. */
  dryRun?: { look?(engine: Engine): Promise<void> } | undefined
}

const APPLIED = statement(`
  select json_agg(json_build_object('number', number, 'name', name, 'checksum', checksum, 'downSql', down_sql)
                  order by number)
  from boreal.schema_migration`)

/** The migrations that a store carries. */
export async function appliedMigrations(engine: Pick<Engine, 'run'>): Promise<AppliedMigration[]> {
  const [applied] = await engine.run([APPLIED])
  return jsonOf<AppliedMigration[]>(applied) ?? []
}

/**
 * Brings a store with its rows to the schema that `build` makes, in one SQL transaction: up with the scripts of the build,
 * down with those that the store carries, newest first. Does nothing to one that is there.
 *
 * @throws BorealError `migration_failed`, and the store is as it was
 */
export async function migrateStore(
  engine: Engine,
  build: readonly Migration[],
  { monotonic = systemRuntime.monotonic, schemaChecksum, dryRun }: MigrateOptions = {},
): Promise<Migrated> {
  await assertKnownFormat(engine)
  const applied = await appliedMigrations(engine)
  if (schemaChecksum !== undefined && schemaChecksumOf(applied) !== schemaChecksum) {
    throw new BorealError('migration_failed', 'the migrations that the store carries are not those of its manifest')
  }
  const way = wayTo(build, applied)
  const { from, to } = way
  if (from === to) return { from, to, scripts: [] }
  try {
    await engine.run([BEGIN])
    const scripts = await runScripts(engine, way.scripts, monotonic)
    await engine.run(bookkeeping(way))
    await dryRun?.look?.(engine)
    await engine.run([dryRun === undefined ? COMMIT : ROLLBACK])
    return { from, to, scripts }
  } catch (error) {
    if (engine.alive) await engine.run([ROLLBACK])
    throw error
  }
}

/** What the store carries from now on. */
export function bookkeeping({ added, removed }: Pick<Way, 'added' | 'removed'>): Statement[] {
  return [
    ...removed.map((number) => statement('delete from boreal.schema_migration where number = $1', number)),
    ...added.map(({ number, name, checksum, down }) =>
      statement(
        'insert into boreal.schema_migration (number, name, checksum, down_sql) values ($1, $2, $3, $4)',
        number,
        name,
        checksum,
        down,
      ),
    ),
  ]
}

/** What its log has behind it would be refused event by event; here it can be said at once. */
async function assertKnownFormat(engine: Engine): Promise<void> {
  const format = await readFormat(engine)
  if (format <= FORMAT_VERSION) return
  throw new BorealError(
    'migration_failed',
    `the store was finalized to format ${format}, while this build knows formats up to ${FORMAT_VERSION}: ` +
      'run the newer build',
  )
}
