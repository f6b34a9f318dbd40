import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { kyselyOf } from '../../lib/store/dialect.ts'
import { DIGEST_SQL } from '../../lib/store/digest.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { testImage } from '../support/image.ts'

async function columnsOfDatabase(): Promise<Map<string, string[]>> {
  const engine = await PgliteEngine.bootImage(await testImage())
  const { rows } = await sql<{ table_schema: string; table_name: string; column_name: string }>`
    select table_schema, table_name, column_name from information_schema.columns
    where table_schema in ('public', 'boreal') order by ordinal_position`.execute(kyselyOf(engine))
  await engine.kill()
  const tables = new Map<string, string[]>()
  for (const { table_schema, table_name, column_name } of rows) {
    const name = table_schema === 'public' ? table_name : `${table_schema}.${table_name}`
    tables.set(name, [...(tables.get(name) ?? []), column_name])
  }
  return tables
}

test('the Kysely types name every table and column there is', async () => {
  const source = readFileSync(fileURLToPath(new URL('../../lib/store/schema.ts', import.meta.url)), 'utf8')
  for (const [table, columns] of await columnsOfDatabase()) {
    expect(source, `table ${table}`).toMatch(new RegExp(`^ {2}'?${table}'?:`, 'm'))
    for (const column of columns) expect(source, `${table}.${column}`).toMatch(new RegExp(`\\b${column}: `))
  }
})

test('the digest covers every column of every table, but for the mark and the migrations', async () => {
  const views = [
    'host_attribute',
    'job_summary',
    'role_summary',
    'role',
    'job_update_progress',
    'job_usage',
    'task_config_resources',
    'role_usage',
    'boreal.role_departure',
  ]
  const left = ['boreal.applied', 'boreal.schema_migration', ...views]
  for (const [table, columns] of await columnsOfDatabase()) {
    if (left.includes(table)) continue
    expect(DIGEST_SQL).toContain(` from ${table})`)
    // What is computed of others says nothing new.
    for (const column of columns.filter((name) => !['one', 'resources'].includes(name)))
      expect(DIGEST_SQL).toMatch(new RegExp(`\\b${column}\\b`))
  }
})

test('every table has the LSN of the last change', async () => {
  for (const [table, columns] of await columnsOfDatabase()) {
    if (table.startsWith('boreal.')) continue
    expect(
      columns.some((column) => ['version', 'changed_lsn'].includes(column)),
      table,
    ).toBe(true)
  }
})
