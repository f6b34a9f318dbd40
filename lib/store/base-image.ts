import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { PgliteEngine } from './engine.ts'
import { inSharedMemory, partsInMemory, type StoreImage } from './image-parts.ts'
import { compileDatabase } from './machine-code.ts'
import { loadMigrations, type Migration, schemaChecksumOf } from './migrations.ts'
import { INITDB_PARAMS, POSTGRES_CONF } from './postgres-conf.ts'
import { statement } from './statement.ts'

/** Version of PGlite in this build. */
export const PGLITE_VERSION = manifest.dependencies['@electric-sql/pglite']

/**
 * The base image: an empty store at the current schema, from which every engine boots. initdb takes seconds, loading
 * an image half of one, so the image is built once per (schema, PGlite version, settings) and kept in a cache folder.
 */
export interface BaseImage extends StoreImage {
  schemaVersion: number
  /** Over the migrations that made the schema, hex: builds with the same one mean the same by their tables. */
  schemaChecksum: string
  /** Those migrations, in order: the rules by which stores of other schemas become ones of this. */
  migrations: readonly Migration[]
}

export interface BaseImageOptions {
  /** The migrations that make the schema, from the first on. Default: all of this build. */
  migrations?: readonly Migration[] | undefined
  /** Where images are kept; default `BOREAL_CACHE`, else a folder under the system's temporary directory. */
  cacheDir?: string | undefined
  /** Hears when an image has to be built, which takes some seconds. */
  onBuild?: () => void
}

/** Loads the base image from the cache, or builds it. */
export async function loadBaseImage(options: BaseImageOptions = {}): Promise<BaseImage> {
  const migrations = options.migrations ?? loadMigrations()
  const file = imageFile(migrations, options)
  const wasm = await compileDatabase()
  const bytes = (await readFile(file).catch(() => undefined)) ?? (await buildInto(file, migrations, options))
  return { parts: partsInMemory(inSharedMemory(bytes)), wasm, ...schemaOf(migrations) }
}

/** Whether the base image is in the cache. To build it blocks the thread for seconds. */
export async function isBaseImageBuilt(): Promise<boolean> {
  return (await stat(imageFile(loadMigrations())).catch(() => undefined)) !== undefined
}

function imageFile(migrations: readonly Migration[], { cacheDir }: BaseImageOptions = {}): string {
  const folder = cacheDir ?? process.env.BOREAL_CACHE ?? join(tmpdir(), 'boreal-cache')
  return join(folder, `base-${imageKey(migrations)}.tar`)
}

function schemaOf(migrations: readonly Migration[]): Omit<BaseImage, keyof StoreImage> {
  return { schemaVersion: migrations.length, schemaChecksum: schemaChecksumOf(migrations), migrations }
}

function imageKey(migrations: readonly Migration[]): string {
  const parts = [PGLITE_VERSION, POSTGRES_CONF, ...INITDB_PARAMS]
  for (const migration of migrations) parts.push(migration.checksum)
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 24)
}

async function buildInto(
  file: string,
  migrations: readonly Migration[],
  options: BaseImageOptions,
): Promise<Uint8Array> {
  options.onBuild?.()
  const engine = await PgliteEngine.boot()
  try {
    for (const migration of migrations) await apply(engine, migration)
    const parts: Uint8Array[] = []
    for await (const part of engine.image()) parts.push(part)
    const image = Buffer.concat(parts)
    await mkdir(dirname(file), { recursive: true })
    // Others may build the same image at the same moment: each writes its own file, the last rename wins.
    const temporary = `${file}.${process.pid}.${Date.now()}`
    await writeFile(temporary, image)
    await rename(temporary, file)
    return image
  } finally {
    await engine.kill()
  }
}

async function apply(engine: PgliteEngine, migration: Migration): Promise<void> {
  if (migration.preRestore !== undefined) await engine.exec(migration.preRestore)
  await engine.exec(migration.postRestore)
  await engine.run([
    statement(
      'insert into boreal.schema_migration (number, name, checksum, down_sql) values ($1, $2, $3, $4)',
      migration.number,
      migration.name,
      migration.checksum,
      migration.down,
    ),
  ])
}
