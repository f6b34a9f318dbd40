import { expect, test } from 'vitest'
import { migrateStore } from '../../lib/migrate/migrate-store.ts'
import { type Dump, restoreDump } from '../../lib/migrate/restore-dump.ts'
import type { Engine } from '../../lib/store/engine.ts'
import { jsonOf, textOf } from '../../lib/store/protocol.ts'
import { BEGIN, COMMIT, statement } from '../../lib/store/statement.ts'
import type { Store } from '../../lib/store/store.ts'
import { logOf } from './logs.ts'
import { copyOf, everythingIn, GENESIS, MIGRATIONS, SCHEMA, storeAt } from './stores.ts'

/** A dump of any schema becomes what an image of the same store does. */

const MINUTE = 60_000

const COLUMNS = statement(`
  select json_object_agg(c.oid::regclass::text, (select json_agg(quote_ident(a.attname) order by a.attnum)
    from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('public', 'boreal') and c.relkind = 'r'`)

/** The rows of a store, to be loaded into an engine that has its schema, and rows of its own at first. */
async function dumpOf(store: Store, schemaVersion: number): Promise<Dump> {
  const [found] = await store.run([COLUMNS])
  const tables = Object.entries(jsonOf<Record<string, string[]>>(found)!)
  const rows = await store.run(tables.map(([table]) => statement(`select json_agg(row_to_json(t)) from ${table} t`)))
  return {
    schemaVersion,
    async loadSchema(engine: Engine) {
      await engine.run([BEGIN, REPLICA, ...tables.map(([table]) => statement(`delete from ${table}`)), COMMIT])
    },
    async loadData(engine: Engine) {
      const inserts = tables.map(([table, columns], index) => {
        const list = columns.join(', ')
        const from = `json_populate_recordset(null::${table}, $1::json)`
        return statement(`insert into ${table} (${list}) select ${list} from ${from}`, textOf(rows[index]!.rows[0]![0]))
      })
      await engine.run([BEGIN, REPLICA, ...inserts, COMMIT])
    },
  }
}

const REPLICA = statement('set local session_replication_role = replica')

async function storeWith(schema: number, seed: number): Promise<Store> {
  const { entries } = await logOf(schema, { seed, transactions: 80, format: schema < 3 ? 1 : 2 })
  const store = await storeAt(schema, { ...GENESIS, hash: entries[0]!.prev })
  await store.apply(entries)
  return store
}

test.each([1, 2, 3, 4])('of schema %i', { timeout: 2 * MINUTE }, async (schema) => {
  const store = await storeWith(schema, 20 + schema)
  const dump = await dumpOf(store, schema)
  const image = await copyOf(store)
  await migrateStore(image.engine, MIGRATIONS)
  const restored = await storeAt(schema)
  expect(await restoreDump(restored.engine, dump, MIGRATIONS)).toMatchObject({ from: schema, to: SCHEMA })
  expect(await everythingIn(restored)).toEqual(await everythingIn(image))
})

test('of a newer schema goes down by the scripts in its data', { timeout: MINUTE }, async () => {
  const store = await storeWith(SCHEMA, 30)
  const dump = await dumpOf(store, SCHEMA)
  const build = MIGRATIONS.slice(0, 3)
  const restored = await storeAt(SCHEMA)
  expect(await restoreDump(restored.engine, dump, build)).toMatchObject({ from: SCHEMA, to: 3 })
  await migrateStore(store.engine, build)
  expect(await everythingIn(restored)).toEqual(await everythingIn(store))
})

test('cannot be brought to schema 4 without what its data must find', { timeout: MINUTE }, async () => {
  const store = await storeWith(2, 40)
  const dump = await dumpOf(store, 2)
  const without = MIGRATIONS.map((each) => ({ ...each, preRestore: undefined }))
  const message = /^0004_resources\/post-restore\.sql line \d+: column "resources" does not exist/
  await expect(restoreDump((await storeAt(2)).engine, dump, without)).rejects.toMatchObject({ message })
})

test('that is not of the schema that it says is refused', { timeout: MINUTE }, async () => {
  const dump = { ...(await dumpOf(await storeWith(2, 50), 2)), schemaVersion: 1 }
  const refusal = { code: 'migration_failed', message: /a dump of schema 1 has data of schema 2/ }
  await expect(restoreDump((await storeAt(2)).engine, dump, MIGRATIONS)).rejects.toMatchObject(refusal)
})
