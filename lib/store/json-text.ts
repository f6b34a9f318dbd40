import { type RawBuilder, sql } from 'kysely'

/**
 * JSON objects as text, put together by SQL: several times faster than rows that JavaScript turns into objects and
 * back into text, and `json` columns pass through without being parsed at all.
 */
export interface JsonField {
  value: RawBuilder<unknown>
  /** Left out when it is NULL. */
  optional: boolean
}

const field = (value: RawBuilder<unknown>): JsonField => ({ value, optional: false })

/** A text column as a JSON string. */
export const jsonString = (column: string): JsonField => field(sql`to_json(${sql.ref(column)})::text`)

/** A text column with a word out of a fixed set, which has nothing that JSON would escape: half the cost of any text. */
export const jsonWord = (column: string): JsonField => field(sql`'"' || ${sql.ref(column)} || '"'`)

/** A number or a `json` column: its text is JSON already. */
export const jsonRaw = (column: string): JsonField => field(sql`${sql.ref(column)}::text`)

/** SQL behind an int8 column: whether a JSON number is exact. */
const EXACT_INT64 = 'between -9007199254740991 and 9007199254740991'

/** An int8 column: a number while that is exact, digits as a string beyond. */
export const jsonInt64 = (column: string): JsonField => {
  const text = sql`${sql.ref(column)}::text`
  return field(sql`(case when ${sql.ref(column)} ${sql.raw(EXACT_INT64)} then ${text} else '"' || ${text} || '"' end)`)
}

/** Text that is JSON already. */
export const jsonOfSql = (text: RawBuilder<unknown>): JsonField => field(text)

export const optional = (of: JsonField): JsonField => ({ ...of, optional: true })

/** Text that is JSON already, or NULL. */
export const optionalSql = (text: RawBuilder<unknown>): JsonField => optional(jsonOfSql(text))

/** SQL of an object's text. The first field must not be optional. */
export function jsonText(fields: Record<string, JsonField>): RawBuilder<string> {
  const parts = keyed(fields).map(({ key, value, optional }) =>
    optional ? sql`coalesce(${key} || ${value}, '')` : sql`${key} || ${value}`,
  )
  return sql<string>`${sql.join(parts, sql` || `)} || '}'`
}

/** The same for objects with a field of megabytes, of which `||` would make a copy with every part. */
export function largeJsonText(fields: Record<string, JsonField>): RawBuilder<string> {
  const parts = keyed(fields).flatMap(({ key, value, optional }) =>
    optional ? [sql`${key} || ${value}`] : [key, value],
  )
  return sql<string>`concat(${sql.join(parts)}, '}')`
}

function keyed(fields: Record<string, JsonField>) {
  return Object.entries(fields).map(([name, field], index) => {
    return { ...field, key: sql.lit(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`) }
  })
}

/** SQL of a job key's text, from the columns that every table of jobs has. */
export const jobKeyText = jsonText({
  role: jsonString('role'),
  environment: jsonString('environment'),
  name: jsonString('job_name'),
})

/** SQL of an object of counters, without those that are zero. */
export function jsonCounters(counters: Record<string, string>): RawBuilder<string> {
  const parts = Object.entries(counters).map(
    ([name, column]) =>
      sql`case when ${sql.ref(column)} > 0 then ${sql.lit(`${JSON.stringify(name)}:`)} || ${sql.ref(column)} end`,
  )
  return sql<string>`'{' || concat_ws(',', ${sql.join(parts)}) || '}'`
}
