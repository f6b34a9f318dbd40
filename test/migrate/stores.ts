import { onTestFinished } from 'vitest'
import type { LogMark } from '../../lib/log/chain.ts'
import { type BaseImage, loadBaseImage } from '../../lib/store/base-image.ts'
import { digestOf, digestsAt } from '../../lib/store/digest.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { partsInMemory } from '../../lib/store/image-parts.ts'
import { loadMigrations, type Migration } from '../../lib/store/migrations.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { statement } from '../../lib/store/statement.ts'
import { Store } from '../../lib/store/store.ts'

/** Stores of any schema, and what they hold. */

export const MIGRATIONS = loadMigrations()

/** The schema of this build. */
export const SCHEMA = MIGRATIONS.length

export const GENESIS: LogMark = { lsn: 0, hash: 'ab'.repeat(32), time: 0 }

const images = new Map<number, Promise<BaseImage>>()

/** The base image of a build that has the first `schema` migrations. */
export function imageAt(schema: number): Promise<BaseImage> {
  const image = images.get(schema) ?? loadBaseImage({ migrations: MIGRATIONS.slice(0, schema) })
  images.set(schema, image)
  return image
}

/** An empty store, as a build with these migrations has it. */
export async function storeAt(schema: number, genesis = GENESIS): Promise<Store> {
  const engine = await PgliteEngine.bootImage(await imageAt(schema))
  onTestFinished(() => engine.kill())
  return Store.open(engine, genesis)
}

/** A store with the same files. */
export async function copyOf(store: Store): Promise<Store> {
  const parts: Uint8Array[] = []
  for await (const part of store.engine.image()) parts.push(part)
  const { wasm } = await imageAt(SCHEMA)
  const engine = await PgliteEngine.bootImage({ parts: partsInMemory(...parts), wasm })
  onTestFinished(() => engine.kill())
  return Store.open(engine, store.mark)
}

export async function digestAt(store: Store, schema: number): Promise<string> {
  const [digest] = await store.run([digestsAt(schema).digest])
  return digestOf(digest)
}

/** Migrations that are not shipped, behind those that are; each with what differs from one that does nothing. */
export function withMore(...more: Partial<Migration>[]): Migration[] {
  const made = more.map((each, index): Migration => {
    const number = SCHEMA + index + 1
    const scripts = { preRestore: undefined, postRestore: '', down: '' }
    return { number, name: 'made', ...scripts, checksum: String(number).repeat(64).slice(0, 64), ...each }
  })
  return [...MIGRATIONS, ...made]
}

/** Everything that a schema consists of, and every row of every table and view, computed columns among them. */
export async function everythingIn(store: Store): Promise<Record<string, unknown>> {
  const [catalog, relations] = await store.run([CATALOG, RELATIONS])
  const names = jsonOf<string[]>(relations)!
  const rows = await store.run(
    names.map((name) => statement(`select json_agg(t::text order by t::text collate "C") from ${name} t`)),
  )
  return { ...jsonOf<object>(catalog), rows: Object.fromEntries(names.map((name, i) => [name, jsonOf(rows[i])])) }
}

const OURS = `n.nspname in ('public', 'boreal')`

const RELATIONS = statement(`
  select json_agg(c.oid::regclass::text order by 1::text) from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where ${OURS} and c.relkind in ('r', 'v')`)

const CATALOG = statement(`
  select json_build_object(
    'columns', (select json_agg(json_build_array(c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod),
                  a.attnotnull, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attcollation)
                  order by c.oid::regclass::text collate "C", a.attname collate "C")
                from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
                  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
                where ${OURS} and c.relkind in ('r', 'v') and a.attnum > 0 and not a.attisdropped),
    'relations', (select json_agg(json_build_array(c.oid::regclass::text, c.relkind, c.relacl::text, c.reloptions,
                  case when c.relkind = 'v' then pg_get_viewdef(c.oid) end,
                  case when c.relkind = 'i' then pg_get_indexdef(c.oid) end) order by c.oid::regclass::text collate "C")
                from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${OURS}),
    'constraints', (select json_agg(json_build_array(k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid))
                  order by k.conrelid::regclass::text collate "C", k.conname collate "C")
                from pg_constraint k join pg_namespace n on n.oid = k.connamespace where ${OURS}))`)
