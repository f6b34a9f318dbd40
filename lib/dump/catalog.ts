import { BorealError } from '../model/errors.ts'
import type { Engine } from '../store/engine.ts'
import { jsonOf } from '../store/result-set.ts'
import { statement } from '../store/statement.ts'

export interface CatalogColumn {
  name: string
  type: string
  notNull: boolean
  default: string | null
  /** What it is computed from: then its values are not in a dump. */
  generated: string | null
}

/** A table as the database describes it. Names are qualified and quoted where they need it, definitions are SQL. */
export interface CatalogTable {
  name: string
  options: string[] | null
  columns: CatalogColumn[]
  /** Columns of the primary key. */
  key: string[]
  constraints: { name: string; kind: 'p' | 'u' | 'c' | 'f'; sql: string }[]
  /** Tables that it refers to. */
  references: string[]
  /** Those that no constraint makes. */
  indexes: string[]
  readable: boolean
}

export interface CatalogView {
  name: string
  sql: string
  /** Views that it is made of. */
  references: string[]
  readable: boolean
}

/** Everything that is in the schemas of a store. */
export interface Catalog {
  tables: CatalogTable[]
  views: CatalogView[]
}

const OURS = `('public'::regnamespace, 'boreal'::regnamespace)`

const readable = `has_table_privilege('boreal_reader', c.oid, 'select')`

const TABLES = `
  select coalesce(json_agg(json_build_object(
    'name', c.oid::regclass::text,
    'options', c.reloptions,
    'columns', (
      select json_agg(json_build_object('name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod),
               'notNull', a.attnotnull,
               'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
               'generated', case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end) order by a.attnum)
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
    'key', (
      select coalesce(json_agg(quote_ident(a.attname) order by k.place), '[]')
      from pg_constraint p, unnest(p.conkey) with ordinality k(attnum, place), pg_attribute a
      where p.conrelid = c.oid and p.contype = 'p' and a.attrelid = c.oid and a.attnum = k.attnum),
    'constraints', (
      select coalesce(json_agg(json_build_object('name', quote_ident(conname), 'kind', contype,
               'sql', pg_get_constraintdef(oid)) order by conname collate "C"), '[]')
      from pg_constraint where conrelid = c.oid and contype in ('p', 'u', 'c', 'f')),
    'references', (
      select coalesce(json_agg(confrelid::regclass::text order by confrelid::regclass::text collate "C"), '[]')
      from pg_constraint where conrelid = c.oid and contype = 'f' and confrelid <> c.oid),
    'indexes', (
      select coalesce(json_agg(pg_get_indexdef(i.indexrelid) order by n.relname collate "C"), '[]')
      from pg_index i join pg_class n on n.oid = i.indexrelid
      where i.indrelid = c.oid and not exists (select from pg_constraint k where k.conindid = i.indexrelid
                                                and k.contype in ('p', 'u'))),
    'readable', ${readable}
  ) order by c.oid::regclass::text collate "C"), '[]')
  from pg_class c where c.relkind = 'r' and c.relnamespace in ${OURS}`

const VIEWS = `
  select coalesce(json_agg(json_build_object(
    'name', c.oid::regclass::text,
    'sql', pg_get_viewdef(c.oid),
    'references', (
      select coalesce(json_agg(distinct d.refobjid::regclass::text), '[]')
      from pg_rewrite r join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
      join pg_class v on v.oid = d.refobjid and v.relkind = 'v'
      where r.ev_class = c.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid),
    'readable', ${readable}
  ) order by c.oid::regclass::text collate "C"), '[]')
  from pg_class c where c.relkind = 'v' and c.relnamespace in ${OURS}`

/** What a schema may have as well, and a dump would leave out. */
const OTHERS = `
  select coalesce(json_agg(what order by what collate "C"), '[]') from (
    select 'schema ' || nspname from pg_namespace
      where nspname not like 'pg\\_%' and nspname <> 'information_schema' and oid not in ${OURS}
    union all select 'relation ' || oid::regclass::text from pg_class
      where relnamespace in ${OURS} and (relkind not in ('r', 'v', 'i') or relispartition or relpersistence <> 'p')
    union all select 'function ' || oid::regprocedure::text from pg_proc where pronamespace in ${OURS}
    union all select 'type ' || oid::regtype::text from pg_type
      where typnamespace in ${OURS} and typtype not in ('b', 'c')
    union all select 'trigger ' || tgname from pg_trigger where not tgisinternal
    union all select 'policy ' || polname from pg_policy
    union all select 'statistics ' || stxname from pg_statistic_ext
    union all select 'rule ' || rulename from pg_rewrite
      where rulename <> '_RETURN' and ev_class in (select oid from pg_class where relnamespace in ${OURS})
    union all select 'constraint ' || conname from pg_constraint
      where connamespace in ${OURS} and (contype not in ('p', 'u', 'c', 'f', 'n') or condeferrable)
    union all select 'column ' || attrelid::regclass::text || '.' || attname
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_type t on t.oid = a.atttypid
      where c.relnamespace in ${OURS} and c.relkind = 'r' and not attisdropped and attnum > 0
        and (attidentity <> '' or attgenerated not in ('', 's') or attcollation <> typcollation)
  ) other(what)`

/**
 * What the schemas of a store hold, by its database's own description. To be called inside a SQL transaction, in which
 * the search path stays empty, so that all names are qualified.
 *
 * @throws BorealError `not_available` naming what a dump cannot hold
 */
export async function readCatalog(engine: Pick<Engine, 'run'>): Promise<Catalog> {
  const statements = ["set local search_path = ''", TABLES, VIEWS, OTHERS]
  const [, tables, views, others] = await engine.run(statements.map((sql) => statement(sql)))
  const unknown = jsonOf<string[]>(others)!
  const catalog = { tables: jsonOf<CatalogTable[]>(tables)!, views: jsonOf<CatalogView[]>(views)! }
  unknown.push(
    ...catalog.tables.filter(({ key }) => key.length === 0).map(({ name }) => `${name} without a primary key`),
  )
  if (unknown.length === 0) return { tables: inOrder(catalog.tables), views: inOrder(catalog.views) }
  throw new BorealError('not_available', `a dump cannot hold ${unknown.join(', ')}; see lib/dump/catalog.ts`)
}

/** What others refer to comes before them; otherwise in order of names. */
function inOrder<T extends { name: string; references: string[] }>(items: T[]): T[] {
  const byName = new Map(items.map((item) => [item.name, item]))
  const ordered = new Set<T>()
  const add = (item: T) => {
    if (ordered.has(item)) return
    for (const name of item.references) {
      const other = byName.get(name)
      if (other !== undefined) add(other)
    }
    ordered.add(item)
  }
  for (const item of items) add(item)
  return [...ordered]
}
