import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One step of the schema: the scripts of `migrations/NNNN_name/`. */
export interface Migration {
  number: number
  name: string
  /** Run before the data of an older dump is loaded; most migrations have none. */
  preRestore: string | undefined
  /** Run after the data is there; on a new store the only script. */
  postRestore: string
  /** Undoes the migration. */
  down: string
  /** SHA-256 over the scripts, hex. */
  checksum: string
}

/** All migrations of this build in order. Numbers are dense from 1; the last one is the schema version. */
export function loadMigrations(): Migration[] {
  const root = migrationsFolder()
  const folders = readdirSync(root)
    .filter((folder) => /^\d{4}_[a-z0-9_]+$/.test(folder))
    .sort()
  return folders.map((folder, index) => {
    const migration = readMigration(root, folder)
    if (migration.number !== index + 1) throw new Error(`migrations are not dense: ${folder} follows number ${index}`)
    return migration
  })
}

/** Over the checksums of the migrations that made a schema, hex: stores with the same one mean the same by their tables. */
export function schemaChecksumOf(migrations: readonly Pick<Migration, 'checksum'>[]): string {
  const checksums = migrations.map(({ checksum }) => checksum)
  return createHash('sha256').update(checksums.join('\0')).digest('hex')
}

/** Folder of a migration below `migrations/`. */
export function folderOf({ number, name }: Pick<Migration, 'number' | 'name'>): string {
  return `${String(number).padStart(4, '0')}_${name}`
}

function readMigration(root: string, folder: string): Migration {
  const script = (name: string) => {
    const file = join(root, folder, name)
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  }
  const postRestore = script('post-restore.sql')
  const down = script('down.sql')
  if (postRestore === undefined || down === undefined) {
    throw new Error(`migration ${folder} needs post-restore.sql and down.sql`)
  }
  const preRestore = script('pre-restore.sql')
  const hash = createHash('sha256')
  for (const text of [preRestore ?? '', postRestore, down]) hash.update(text).update('\0')
  return {
    number: Number(folder.slice(0, 4)),
    name: folder.slice(5),
    preRestore,
    postRestore,
    down,
    checksum: hash.digest('hex'),
  }
}

/** `migrations/`: two levels up from the sources, one from a build. */
function migrationsFolder(): string {
  const candidates = ['../../migrations', '../migrations', './migrations'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  const found = candidates.find((path) => existsSync(path))
  if (found === undefined) throw new Error(`no migrations folder beside ${import.meta.url}`)
  return found
}
