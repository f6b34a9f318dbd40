import { hash } from 'node:crypto'
import { rowText } from './digest.ts'
import { jsonOf, type ResultSet, textOf } from './protocol.ts'
import { arrayParam, type Statement } from './statement.ts'
import { compositeKey, keyColumns, type Table } from './table.ts'
import { wholeJson } from './whole-rows.ts'

/**
 * Reads with which the rows of two stores are compared: by hashes of everything but the version, in the order of the key,
 * a chunk at a time. What follows from rows (counters of jobs, versions of scopes) is no row of any table here.
 */

/** Characters. */
const LONGEST_TEXT = 4_096

/** Rows behind `after`, in the order of their keys. */
export interface Chunk {
  after: string | undefined
  limit: number
  /** With the rows themselves, but those that are long. */
  whole?: boolean
}

/** A row by its key and the hash of the rest. */
export interface HashedRow {
  key: string
  hash: string
  /** JSON of the row, if it was asked for; see {@link wholeRow}. */
  json?: string
}

/** The rows of a chunk; read them with {@link hashedRows}. */
export function chunkRows(table: Table, chunk: Chunk): Statement {
  return chunkOf(table, chunk)
}

/** The rows with these keys, those that there are. */
export function rowsByKey(table: Table, keys: readonly string[]): Statement {
  const [first, second] = keyNames(table)
  if (second === undefined) {
    return {
      sql: `${texts(table)} where ${first} = any($1::text[]) order by ${first}`,
      params: [arrayParam('text', keys)],
    }
  }
  return {
    sql:
      `select found.* from unnest($1::text[], $2::text[]) as wanted(w1, w2), ` +
      `lateral (${texts(table)} where ${first} = w1 and ${second} = w2) found order by k1, k2`,
    params: keyColumns(keys),
  }
}

export function hashedRows(table: Table, result: ResultSet | undefined): HashedRow[] {
  return (result?.rows ?? []).map(([k1, k2, text, json]) => ({
    key: keyText(table, textOf(k1)!, textOf(k2)),
    hash: hash('sha256', text!),
    ...(json ? { json: json.toString() } : {}),
  }))
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

function chunkOf(table: Table, { after, limit, whole }: Chunk): Statement {
  const [first, second] = keyNames(table)
  const order = `order by ${first}${second === undefined ? '' : `, ${second}`} limit ${limit}`
  const select = texts(table, whole)
  if (after === undefined) return { sql: `${select} ${order}`, params: [] }
  if (second === undefined) return { sql: `${select} where ${first} > $1 ${order}`, params: [after] }
  const behind = `where (${first}, ${second}) > ($1, $2)`
  return { sql: `${select} ${behind} ${order}`, params: JSON.parse(after) as [string, string] }
}

/**
 * Rows as text, to be hashed by who reads them: it costs a third of what the engine takes for a hash. It hashes only what
 * is too long to be sent.
 */
function texts(table: Table, whole = false): string {
  const [first, second] = keyNames(table)
  const json = whole ? `, case when length(t) <= ${LONGEST_TEXT} then ${wholeJson(table)} end` : ''
  return (
    `select ${first} as k1, ${second ?? 'null::text'} as k2, case when length(t) <= ${LONGEST_TEXT} then t ` +
    `else encode(sha256(convert_to(t, 'UTF8')), 'hex') end${json} from ` +
    `(select *, ${rowText(table.name, ['version'])} as t from ${table.name}) as ${table.name}`
  )
}

function keyNames(table: Table): [string, string | undefined] {
  return [table.columns[0]!.name, table.keyWidth === undefined ? undefined : table.columns[1]!.name]
}

function keyText(table: Table, k1: string, k2: string | null): string {
  return table.keyWidth === undefined ? k1 : compositeKey(k1, k2!)
}
