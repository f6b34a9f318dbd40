import { jsonRows } from './json-rows.ts'
import { jsonOf, type ResultSet, textAt, textsOf } from './result-set.ts'
import { arrayParam, type Statement } from './statement.ts'
import { type Column, compositeKey, keyColumns, type Table } from './table.ts'

/**
 * Reads with which the rows of two stores are compared: everything but the version, cell by cell, in the order of the key, a
 * chunk at a time. What follows from rows (counters of jobs, versions of scopes) is no row of any table here.
 */

/** Bytes from which on a cell comes as its hash, marked by a character that JSON cannot begin with. */
const LONGEST_CELL = 4_096
const HASHED = 0x01

/** Rows behind `after`, in the order of their keys. */
export interface Chunk {
  after: string | undefined
  limit: number
}

/** A row by its key, and all of its cells but the version, as they came off the wire. */
export interface ComparedRow {
  key: string
  wire: Buffer
}

/** The rows of a chunk; read them with {@link comparedRows}. */
export function chunkRows(table: Table, { after, limit }: Chunk): Statement {
  const [first, second] = keyNames(table)
  const order = `order by ${first}${second === undefined ? '' : `, ${second}`} limit ${limit}`
  const select = `select ${cellColumns(table)} from ${table.name}`
  if (after === undefined) return { sql: `${select} ${order}`, params: [] }
  if (second === undefined) return { sql: `${select} where ${first} > $1 ${order}`, params: [after] }
  const behind = `where (${first}, ${second}) > ($1, $2)`
  return { sql: `${select} ${behind} ${order}`, params: JSON.parse(after) as [string, string] }
}

/** The rows with these keys, those that there are. */
export function rowsByKey(table: Table, keys: readonly string[]): Statement {
  const [first, second] = keyNames(table)
  const cells = cellColumns(table)
  if (second === undefined) {
    return {
      sql: `select ${cells} from ${table.name} where ${first} = any($1::text[]) order by ${first}`,
      params: [arrayParam('text', keys)],
    }
  }
  return {
    sql:
      `select ${cells} from unnest($1::text[], $2::text[]) as wanted(w1, w2), ` +
      `lateral (select * from ${table.name} where ${first} = w1 and ${second} = w2) as ${table.name} ` +
      `order by ${first}, ${second}`,
    params: keyColumns(keys),
  }
}

export function comparedRows(table: Table, result: ResultSet | undefined): ComparedRow[] {
  const { keyWidth = 1 } = table
  return (result?.wire ?? []).map((wire) => {
    const [k1, k2] = textsOf(wire, keyWidth)
    return { key: keyText(table, k1!, k2 ?? null), wire }
  })
}

export function sameRow(one: ComparedRow, other: ComparedRow): boolean {
  return one.wire.equals(other.wire)
}

/** Rows as events hold them. */
export interface WholeRows {
  /** JSON objects with a comma between them, UTF-8. */
  json: Buffer
  count: number
  /** Configs that they refer to. */
  configs: Set<string>
  /** Those that have to be read by their keys. */
  others: ComparedRow[]
}

export function wholeRows({ columns, computed, configs }: Table, rows: readonly ComparedRow[]): WholeRows {
  const configAt = columns.findIndex(({ name }) => name === 'config_id')
  const isReadable = computed === undefined && (configs === undefined || configAt >= 0)
  const others: ComparedRow[] = []
  const wires: Buffer[] = []
  const referred = new Set<string>()
  for (const row of rows) {
    if (!isReadable || hasHash(row.wire)) {
      others.push(row)
      continue
    }
    wires.push(row.wire)
    const config = configs === undefined ? null : textAt(row.wire, configAt)
    if (config !== null) referred.add(config)
  }
  return { json: jsonRows(columns, wires), count: wires.length, configs: referred, others }
}

function hasHash(wire: Buffer): boolean {
  let offset = 2
  for (let count = wire.readInt16BE(0); count > 0; count--) {
    const length = wire.readInt32BE(offset)
    offset += 4
    if (length > 0 && wire[offset] === HASHED) return true
    offset += Math.max(0, length)
  }
  return false
}

/** Keys of the rows that belong to some rows of another table. */
export function keysOfChildren(table: Table, parents: readonly string[]): Statement {
  const [first, second] = keyNames(table)
  return {
    sql: `select json_agg(json_build_array(${first}, ${second ?? 'null'}) order by ${first}${second === undefined ? '' : `, ${second}`})
          from ${table.name} where ${table.parent!.column} = any($1::text[])`,
    params: [arrayParam('text', parents)],
  }
}

export function childKeys(table: Table, result: ResultSet | undefined): string[] {
  return (jsonOf<[string, string | null][]>(result) ?? []).map(([k1, k2]) => keyText(table, k1, k2))
}

function cellColumns(table: Table): string {
  const { columns, keyWidth = 1 } = table
  return columns
    .filter(({ name }) => name !== 'version')
    .map((column, index) => (index < keyWidth ? column.name : cellSql(column)))
    .join(', ')
}

/** Text that begins like a hash comes as one too, so that nothing is taken for something else. */
function cellSql({ name, type }: Column<object>): string {
  if (type !== 'text' && type !== 'json') return name
  const text = type === 'text' ? name : `${name}::text`
  const like = type === 'text' ? ` or ${name} like E'\\x01%'` : ''
  return (
    `case when octet_length(${text}) > ${LONGEST_CELL}${like} ` +
    `then E'\\x01' || encode(sha256(convert_to(${text}, 'UTF8')), 'hex') else ${text} end`
  )
}

function keyNames(table: Table): [string, string | undefined] {
  return [table.columns[0]!.name, table.keyWidth === undefined ? undefined : table.columns[1]!.name]
}

function keyText(table: Table, k1: string, k2: string | null): string {
  return table.keyWidth === undefined ? k1 : compositeKey(k1, k2!)
}
