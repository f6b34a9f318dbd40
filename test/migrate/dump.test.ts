import { expect, test } from 'vitest'
import { clearEngine, openDump } from '../../lib/dump/load-dump.ts'
import { dumpStore } from '../../lib/dump/write-dump.ts'
import { LOG_FORMAT } from '../../lib/log/event-log.ts'
import { migrateStore } from '../../lib/migrate/migrate-store.ts'
import { type Dump, restoreDump } from '../../lib/migrate/restore-dump.ts'
import { schemaChecksumOf } from '../../lib/store/migrations.ts'
import type { Store } from '../../lib/store/store.ts'
import { logOf } from './logs.ts'
import { copyOf, digestAt, everythingIn, GENESIS, MIGRATIONS, SCHEMA, storeAt } from './stores.ts'

/** A dump of any schema becomes what an image of the same store does. */

const MINUTE = 60_000

/** The dump of a store as a backup has it. */
async function dumpOf(store: Store, schemaVersion: number): Promise<Dump> {
  const schemaChecksum = schemaChecksumOf(MIGRATIONS.slice(0, schemaVersion))
  const digest = await digestAt(store, schemaVersion)
  const of = { storeId: 'of-the-test', schemaVersion, schemaChecksum, logFormat: LOG_FORMAT, digest }
  const chunks: Uint8Array[] = []
  for await (const chunk of dumpStore(store.engine, of)) chunks.push(chunk)
  const dump = await openDump(inTurn(chunks))
  return {
    schemaVersion: dump.schemaVersion,
    loadSchema: async (engine) => {
      await clearEngine(engine)
      await dump.loadSchema(engine)
    },
    loadData: (engine) => dump.loadData(engine),
  }
}

async function* inTurn(chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

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
