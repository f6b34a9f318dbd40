import { binaryArray, type ElementType } from './binary-array.ts'

/** A statement as plain data: it can be built once, sent to any engine and shipped between threads. */
export interface Statement {
  sql: string
  params: Param[]
  /** Rows in the text form of COPY, for a `copy … from stdin`. */
  copy?: Uint8Array
}

/** In Postgres text form, or in binary form when it is bytes; `null` is SQL NULL. */
export type Param = string | Uint8Array | null

/** Any JavaScript value as a parameter: arrays become Postgres arrays, other objects JSON text. */
export function toParam(value: unknown): Param {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return arrayLiteral(value)
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

/** Below so many elements a literal costs less than a buffer. */
const SMALL = 8

/** Values as an array of a type: text, numbers, bytes, or null. */
export function arrayParam(type: ElementType, values: readonly unknown[]): Param {
  return values.length < SMALL ? arrayLiteral(values) : binaryArray(type, values)
}

/** One value of each row, as an array of a type. */
export function columnParam<Row>(type: ElementType, rows: readonly Row[], value: (row: Row) => unknown): Param {
  return arrayParam(type, rows.map(value))
}

/** A Postgres array literal. Elements are text, numbers or null; anything else goes in as JSON text. */
function arrayLiteral(values: readonly unknown[]): string {
  let literal = '{'
  for (let i = 0; i < values.length; i++) {
    if (i > 0) literal += ','
    const value = values[i]
    if (value === null || value === undefined) literal += 'NULL'
    else if (typeof value === 'number' || typeof value === 'boolean') literal += value
    else literal += quoted(typeof value === 'string' ? value : (toParam(value) as string))
  }
  return `${literal}}`
}

const SPECIAL = /["\\]/
const SPECIALS = /["\\]/g

function quoted(text: string): string {
  return SPECIAL.test(text) ? `"${text.replace(SPECIALS, '\\$&')}"` : `"${text}"`
}

/** A statement without parameters. */
export function statement(sql: string, ...params: unknown[]): Statement {
  return { sql, params: params.map(toParam) }
}

export const BEGIN = statement('begin')
export const BEGIN_READ_ONLY = statement('begin transaction read only')
export const COMMIT = statement('commit')
/** Inside a SQL transaction: what rows refer to is not checked, because it was when they were decided. */
export const AS_REPLICA = statement('set local session_replication_role = replica')
export const ROLLBACK = statement('rollback')
