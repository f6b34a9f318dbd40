import { rowHash } from './digest.ts'
import { jsonOf, type ResultSet } from './protocol.ts'
import { arrayParam, type Statement } from './statement.ts'
import { compositeKey, keyColumns, type Table } from './table.ts'

/**
 * Reads with which the rows of two stores are compared: by hashes of everything but the version, in the order of the key,
 * a chunk at a time. What follows from rows (counters of jobs, versions of scopes) is no row of any table here.
 */

/** Rows behind `after`, in the order of their keys. */
export interface Chunk {
  after: string | undefined
  limit: number
}

/** A chunk in short: two of the same hash hold the same rows. */
export interface ChunkSummary {
  rows: number
  hash: string
  /** Key of its last row; absent when there is none. */
  last?: string
}

/** A row by its key and the hash of the rest. */
export interface HashedRow {
  key: string
  hash: string
}

export function chunkSummary(table: Table, chunk: Chunk): Statement {
  const { sql, params } = chunkOf(table, chunk)
  return {
    sql: `select json_build_object('rows', count(*), 'k1', (array_agg(k1 order by k1 desc, k2 desc))[1],
            'k2', (array_agg(k2 order by k1 desc, k2 desc))[1],
            'hash', encode(sha256(coalesce(string_agg(convert_to(json_build_array(k1, k2)::text, 'UTF8') || hash, ''::bytea
              order by k1, k2), '')), 'hex')) from (${sql}) c`,
    params,
  }
}

export function summaryOf(table: Table, result: ResultSet | undefined): ChunkSummary {
  const { rows, hash, k1, k2 } = jsonOf<{ rows: number; hash: string; k1: string | null; k2: string | null }>(result)!
  return { rows, hash, ...(k1 === null ? {} : { last: keyText(table, k1, k2) }) }
}

/** The rows of a chunk; read them with {@link hashedRows}. */
export function chunkRows(table: Table, chunk: Chunk): Statement {
  const { sql, params } = chunkOf(table, chunk)
  return { sql: listed(sql), params }
}

/** The rows with these keys, those that there are. */
export function rowsByKey(table: Table, keys: readonly string[]): Statement {
  const [first, second] = keyNames(table)
  if (second === undefined) {
    return { sql: listed(`${hashed(table)} where ${first} = any($1::text[])`), params: [arrayParam('text', keys)] }
  }
  return {
    sql: listed(
      `select found.* from unnest($1::text[], $2::text[]) as wanted(w1, w2),
         lateral (${hashed(table)} where ${first} = w1 and ${second} = w2) found`,
    ),
    params: keyColumns(keys),
  }
}

export function hashedRows(table: Table, result: ResultSet | undefined): HashedRow[] {
  const rows = jsonOf<[string, string | null, string][]>(result) ?? []
  return rows.map(([k1, k2, hash]) => ({ key: keyText(table, k1, k2), hash }))
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

function chunkOf(table: Table, { after, limit }: Chunk): Statement {
  const [first, second] = keyNames(table)
  const order = `order by ${first}${second === undefined ? '' : `, ${second}`} limit ${limit}`
  if (after === undefined) return { sql: `${hashed(table)} ${order}`, params: [] }
  if (second === undefined) return { sql: `${hashed(table)} where ${first} > $1 ${order}`, params: [after] }
  const behind = `where (${first}, ${second}) > ($1, $2)`
  return { sql: `${hashed(table)} ${behind} ${order}`, params: JSON.parse(after) as [string, string] }
}

function hashed(table: Table): string {
  const [first, second] = keyNames(table)
  return `select ${first} as k1, ${second ?? 'null::text'} as k2, ${rowHash(table.name, ['version'])} as hash from ${table.name}`
}

function keyNames(table: Table): [string, string | undefined] {
  return [table.columns[0]!.name, table.keyWidth === undefined ? undefined : table.columns[1]!.name]
}

function keyText(table: Table, k1: string, k2: string | null): string {
  return table.keyWidth === undefined ? k1 : compositeKey(k1, k2!)
}

function listed(sql: string): string {
  return `select json_agg(json_build_array(k1, k2, encode(hash, 'hex')) order by k1, k2) from (${sql}) c`
}
