import { BorealError } from '../model/errors.ts'
import { folderOf, type Migration } from '../store/migrations.ts'
import type { Script } from './run-scripts.ts'

/** A migration as a store carries it: what made it, and what undoes it. */
export interface AppliedMigration {
  number: number
  name: string
  checksum: string
  downSql: string
}

/** How a store of one schema becomes one of another. */
export interface Way {
  from: number
  to: number
  scripts: Script[]
  /** Migrations that the store will carry in addition. */
  added: readonly Migration[]
  /** Numbers of those that it will not carry any more. */
  removed: number[]
}

/**
 * The way of a store that carries `applied` to the schema that `build` makes: none when it is there.
 *
 * @throws BorealError `migration_failed` when the migrations that both know are not the same
 */
export function wayTo(build: readonly Migration[], applied: readonly AppliedMigration[]): Way {
  const common = Math.min(build.length, applied.length)
  for (let index = 0; index < common; index++) assertSame(build[index]!, applied[index]!, index + 1)
  const added = build.slice(applied.length)
  const removed = applied.slice(build.length).reverse()
  return {
    from: applied.length,
    to: build.length,
    scripts: [...added.flatMap(upScripts), ...removed.map(downScript)],
    added,
    removed: removed.map(({ number }) => number),
  }
}

/** What is run on rows that are there. A pre-restore script that was run before they came is run again: it may be. */
export function upScripts(migration: Migration): Script[] {
  const postRestore = { name: `${folderOf(migration)}/post-restore.sql`, sql: migration.postRestore }
  return [...preRestore(migration), postRestore]
}

/** What data of an earlier schema must find. */
export function preRestore(migration: Migration): Script[] {
  const { preRestore: sql } = migration
  return sql === undefined ? [] : [{ name: `${folderOf(migration)}/pre-restore.sql`, sql }]
}

function downScript(migration: AppliedMigration): Script {
  return { name: `${folderOf(migration)}/down.sql`, sql: migration.downSql }
}

function assertSame(ours: Migration, theirs: AppliedMigration, number: number): void {
  if (theirs.number === number && theirs.checksum === ours.checksum) return
  throw new BorealError(
    'migration_failed',
    `migration ${folderOf(theirs)} of the store is not ${folderOf(ours)} of this build (their checksums differ). ` +
      'A migration that was shipped is never edited; run the build that made the store',
  )
}
