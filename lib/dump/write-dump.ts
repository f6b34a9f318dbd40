import type { Engine } from '../store/engine.ts'
import { jsonOf } from '../store/result-set.ts'
import { BEGIN_READ_ONLY, ROLLBACK, statement } from '../store/statement.ts'
import { type CatalogTable, readCatalog } from './catalog.ts'
import { copyText } from './copy-text.ts'
import { BlockWriter, DUMP_FORMAT, type DumpHeader } from './dump-format.ts'
import { indexStatements, schemaStatements } from './schema-script.ts'

/** Text of rows in one block, about. Bounds what is in memory, but for a row that is larger by itself. */
const BLOCK_BYTES = 1024 * 1024

/** Rows that are fetched while nothing is known of their size, and at most. */
const FIRST_ROWS = 16
const MOST_ROWS = 4_096

const PSQL_HEAD = ['begin', "set local search_path = ''", "set local client_encoding = 'UTF8'"]
const PSQL_TAIL = ['commit']

/** What a dump says of itself, but for what the store knows. */
export type DumpOf = Omit<DumpHeader, 'format' | 'lsn' | 'hash' | 'entryTime'>

/**
 * A store as plain SQL, in chunks of about a megabyte: `psql -v ON_ERROR_STOP=1 -f` loads it into an empty database of
 * PostgreSQL 15 or later, {@link loadDump} into an engine. Rows are in the order of their keys and there is no clock in
 * it, so equal stores give equal bytes.
 *
 * The engine belongs to the dump until the last chunk was taken, or the iteration was given up.
 *
 * @throws BorealError `not_available` when the schema has what a dump cannot hold
 */
export async function* dumpStore(engine: Engine, of: DumpOf): AsyncGenerator<Uint8Array> {
  const blocks = new BlockWriter()
  const each = function* (kind: 'psql' | 'schema' | 'indexes', statements: string[]) {
    for (const sql of statements) yield blocks.write({ kind, json: '', sql })
  }
  await engine.run([BEGIN_READ_ONLY])
  try {
    const catalog = await readCatalog(engine)
    const [applied] = await engine.run([
      statement(`select json_build_object('lsn', lsn, 'hash', hash, 'entryTime', time_ms) from boreal.applied`),
    ])
    const header = { format: DUMP_FORMAT, ...jsonOf<Pick<DumpHeader, 'lsn' | 'hash' | 'entryTime'>>(applied)!, ...of }
    yield blocks.write({ kind: 'header', json: JSON.stringify(header), sql: '' })
    yield* each('psql', PSQL_HEAD)
    yield* each('schema', schemaStatements(catalog))
    const rows: Record<string, number> = {}
    for (const table of catalog.tables) {
      rows[table.name] = 0
      for await (const { count, text } of rowsOf(engine, table)) {
        rows[table.name]! += count
        const sql = `copy ${table.name} (${storedColumns(table)}) from stdin`
        yield blocks.write({ kind: 'rows', json: '', sql, copy: text })
      }
    }
    yield* each('indexes', indexStatements(catalog))
    yield* each('psql', PSQL_TAIL)
    yield blocks.write({ kind: 'end', json: JSON.stringify({ rows }), sql: '' })
  } finally {
    if (engine.alive) await engine.run([ROLLBACK])
  }
}

/** Columns that are not computed from others. */
function storedColumns({ columns }: CatalogTable): string {
  const stored = columns.filter(({ generated }) => generated === null)
  return stored.map(({ name }) => name).join(', ')
}

/** The rows of a table as text of COPY, in the order of the key, a block at a time. */
async function* rowsOf(engine: Engine, table: CatalogTable): AsyncGenerator<{ count: number; text: Buffer }> {
  const query = `select ${storedColumns(table)} from ${table.name} order by ${table.key.join(', ')}`
  await engine.run([statement(`declare dump no scroll cursor for ${query}`)])
  for (let most = FIRST_ROWS; ; ) {
    const [result] = await engine.run([statement(`fetch forward ${most} from dump`)])
    const { rows } = result!
    if (rows.length > 0) {
      const text = copyText(rows)
      yield { count: rows.length, text }
      if (text.byteLength > BLOCK_BYTES) most = Math.max(1, most / 2)
      else if (text.byteLength < BLOCK_BYTES / 2) most = Math.min(MOST_ROWS, most * 2)
    }
    // The last rows came: whoever asks again gets none.
    if (rows.length === 0) break
  }
  await engine.run([statement('close dump')])
}
