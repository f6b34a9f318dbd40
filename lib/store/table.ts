import { BorealError } from '../model/errors.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import type { ElementType } from './binary-array.ts'
import { arrayParam, columnParam, type Param, type Statement } from './statement.ts'

/**
 * A table of the store as data: how a row of the model becomes a row of SQL and back, and what the row takes part in
 * (scopes, a job, configs). Everything that writes rows works from this description, so a new entity is a new
 * description and no new write path.
 */
export interface Table<Row extends object = object> {
  /** The entity's name in events, preconditions and `boreal.entity_change`. */
  entity: string
  /** SQL name. */
  name: string
  /** Columns in order; the key comes first, `version` last. */
  columns: Column<Row>[]
  /** How many columns the key has. Default 1. */
  keyWidth?: 2
  /** The key as text; see {@link compositeKey} for one of two columns. */
  key(row: Row): string
  /** Fields of a row that are in no column of the table. */
  computed?: ComputedField[]
  /** The fields that say what a row takes part in: enough for `key`, `scopes`, `job` and `configs`. */
  facets: string[]
  /** Scopes the row is in, as text: `role:www`, `job:www/prod/hello`, `host:h7`. */
  scopes(row: Row): string[]
  /** Where the version of a scope is found when its rows are too many to ask: SQL in which `given.value` is the scope's value. */
  scopeVersion: Partial<Record<'role' | 'job' | 'host', string>>
  /** The job the row belongs to, and the column of table `job` that counts it. */
  job?(row: Row): { jobId: string; counter: string }
  /** The configs the row refers to. */
  configs?(row: Row): string[]
  /** The table that holds the references to configs, when it is another one. */
  configsIn?: string
  /** Rows that belong to a row of another table, and go with it. They take part in nothing themselves. */
  parent?: { table: Table; column: string; key(row: Row): string }
}

/** The text of a key of two columns. */
export function compositeKey(...parts: [string, string]): string {
  return JSON.stringify(parts)
}

export interface Column<Row> {
  name: string
  type: ColumnType
  /** The field of the row that it is read back as. */
  field?: string
  /** It is read only with the row as a whole: decisions do without it. */
  part?: 'whole'
  value(row: Row, meta: RowMeta): unknown
}

export type ColumnType = Exclude<ElementType, 'bytea'>

export interface ComputedField {
  field: string
  /** An expression over the columns of the table. */
  sql: string
  type: ColumnType
}

/** What a row takes from its entry. */
export interface RowMeta {
  /** LSN of the row's last change. */
  version: number
  /** Time of that entry, ms. */
  timeMs: number
}

/** Rows to write, each with what it takes from its entry. */
export type Puts<Row extends object = object> = { row: Row; meta: RowMeta }[]

/** A statement that puts rows whole, over those that are there. */
export function upsert<Row extends object>(table: Table<Row>, rows: Puts<Row>): Statement {
  const params = table.columns.map(({ type, value }) => {
    const cells = rows.map(({ row, meta }) => value(row, meta))
    return arrayParam(type, type === 'json' ? cells.map((cell) => JSON.stringify(cell)) : cells)
  })
  return { sql: upsertSql(table), params }
}

/** A statement that removes rows by key. */
export function remove(table: Table, keys: string[]): Statement {
  const [first, second] = table.columns.map((column) => column.name)
  if (table.keyWidth === undefined) return removeBy(table, first!, keys)
  return {
    sql:
      `delete from ${table.name} using unnest($1::text[], $2::text[]) as gone(k1, k2) ` +
      `where ${first} = gone.k1 and ${second} = gone.k2`,
    params: keyColumns(keys),
  }
}

/** Composite keys as the arrays of their parts. */
export function keyColumns(keys: Iterable<string>): Param[] {
  const parts = [...keys].map((key) => JSON.parse(key) as [string, string])
  return ([0, 1] as const).map((index) => columnParam('text', parts, (part) => part[index]))
}

/** A statement that removes the rows with one of these values in a column (text). */
export function removeBy(table: Table, column: string, values: string[]): Statement {
  return { sql: `delete from ${table.name} where ${column} = any($1::text[])`, params: [arrayParam('text', values)] }
}

const upserts = new Map<string, string>()

function upsertSql(table: Pick<Table, 'name' | 'keyWidth'> & { columns: { name: string; type: string }[] }): string {
  return getOrInsert(upserts, table.name, () => {
    const names = table.columns.map((column) => column.name)
    const arrays = table.columns.map((column, index) => `$${index + 1}::${column.type}[]`)
    const keyWidth = table.keyWidth ?? 1
    const updates = names.slice(keyWidth).map((name) => `${name} = excluded.${name}`)
    return (
      `insert into ${table.name} (${names.join(', ')}) select * from unnest(${arrays.join(', ')}) ` +
      `on conflict (${names.slice(0, keyWidth).join(', ')}) do update set ${updates.join(', ')}`
    )
  })
}

/** A row that must be there. */
export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new BorealError('internal', `${what} was not read before it was needed`)
  return value
}
