import type { Cell } from './result-set.ts'

/** What Boreal makes of Postgres types: their names for people, and values that fit into JSON without loss. */
const TYPES: Record<number, { name: string; parse: (text: string) => unknown }> = {
  16: { name: 'boolean', parse: (text) => text === 't' },
  17: { name: 'bytea', parse: String },
  18: { name: 'char', parse: String },
  19: { name: 'name', parse: String },
  20: { name: 'bigint', parse: exactInteger },
  21: { name: 'smallint', parse: Number },
  23: { name: 'integer', parse: Number },
  25: { name: 'text', parse: String },
  26: { name: 'oid', parse: Number },
  114: { name: 'json', parse: JSON.parse },
  199: { name: 'json[]', parse: String },
  700: { name: 'real', parse: finite },
  701: { name: 'double precision', parse: finite },
  705: { name: 'unknown', parse: String },
  1000: { name: 'boolean[]', parse: String },
  1007: { name: 'integer[]', parse: String },
  1009: { name: 'text[]', parse: String },
  1016: { name: 'bigint[]', parse: String },
  1022: { name: 'double precision[]', parse: String },
  1042: { name: 'character', parse: String },
  1043: { name: 'character varying', parse: String },
  1082: { name: 'date', parse: String },
  1083: { name: 'time without time zone', parse: String },
  1114: { name: 'timestamp without time zone', parse: String },
  1184: { name: 'timestamp with time zone', parse: String },
  1186: { name: 'interval', parse: String },
  1231: { name: 'numeric[]', parse: String },
  1700: { name: 'numeric', parse: String },
  2249: { name: 'record', parse: String },
  2278: { name: 'void', parse: String },
  2950: { name: 'uuid', parse: String },
  3802: { name: 'jsonb', parse: JSON.parse },
}

/** A number while that is exact, the digits as a string beyond. */
export function exactInteger(text: string): number | string {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : text
}

/** JSON has no NaN and no infinity: they stay text. */
function finite(text: string): number | string {
  const number = Number(text)
  return Number.isFinite(number) ? number : text
}

export function typeName(typeId: number): string {
  return TYPES[typeId]?.name ?? `oid ${typeId}`
}

/** The JavaScript value of a cell; types that are not known stay text. */
export function jsonValueOf(cell: Cell, typeId: number): unknown {
  if (cell === null) return null
  const text = cell.toString('utf8')
  return TYPES[typeId]?.parse(text) ?? text
}
