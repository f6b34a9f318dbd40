import { getOrInsert } from '../model/get-or-insert.ts'
import { exactInteger } from './column-types.ts'
import { type ResultSet, textsOf } from './result-set.ts'
import { arrayParam, type Statement } from './statement.ts'
import { type ColumnType, keyColumns, type Table } from './table.ts'

/**
 * Rows of the model, read column by column and put together here: half the work of JSON that the engine makes of them.
 */

/**
 * What is read of a row: what it takes part in; what a decision looks at (a config is known by its id, and the time of a
 * change is that of its entry); or everything that putting it back needs.
 */
export type Part = 'facets' | 'row' | 'whole'

interface Field {
  field: string
  sql: string
  type: ColumnType
}

/** A statement that reads rows by key; read its result with {@link rowsOf}. */
export function selectByKeys(table: Table, keys: Iterable<string>, part: Part = 'row'): Statement {
  const columns = rowColumns(table, part)
  const [first, second] = table.columns.map((column) => column.name)
  if (table.keyWidth === undefined) {
    return {
      sql: `select ${columns} from ${table.name} where ${first} = any($1::text[])`,
      params: [arrayParam('text', [...keys])],
    }
  }
  return {
    // Lateral: each key goes through the index, whatever the planner thinks of the number of keys.
    sql:
      `select ${columns} from unnest($1::text[], $2::text[]) as wanted(k1, k2), ` +
      `lateral (select * from ${table.name} where ${first} = wanted.k1 and ${second} = wanted.k2) as ${table.name}`,
    params: keyColumns(keys),
  }
}

/** What a `select` from the table lists to give rows of the model. */
export function rowColumns<Row extends object>(table: Table<Row>, part: Part = 'row'): string {
  return readerOf(table as Table, part).columns
}

/** Rows of the model with their versions. SQL gives NULL for an absent field, the model leaves it out. */
export function rowsOf<Row extends object>(
  table: Table<Row>,
  result: ResultSet | undefined,
  part: Part = 'row',
): { row: Row; version: number }[] {
  const { fields } = readerOf(table as Table, part)
  return (result?.wire ?? []).map((wire) => {
    const texts = textsOf(wire, fields.length + 1)
    return { row: rowOfTexts<Row>(fields, texts), version: Number(texts[fields.length]) }
  })
}

/** The row of these cells, in the order of its fields. */
function rowOfTexts<Row extends object>(fields: readonly Field[], texts: readonly (string | null)[]): Row {
  const row: Record<string, unknown> = {}
  for (let index = 0; index < fields.length; index++) {
    const { field, type } = fields[index]!
    const text = texts[index]!
    const value = text === null ? null : valueOfText(type, text)
    if (value !== null) row[field] = value
  }
  return row as Row
}

/** The value of a cell in text form. */
export function valueOfText(type: ColumnType, text: string): unknown {
  switch (type) {
    case 'text':
      return text
    case 'json':
      return JSON.parse(text)
    case 'int8':
      return exactInteger(text)
    default:
      return Number(text)
  }
}

interface RowReader {
  fields: Field[]
  columns: string
}

const readers = new Map<string, RowReader>()

function readerOf(table: Table, part: Part): RowReader {
  return getOrInsert(readers, `${table.name} ${part}`, () => {
    const fields = fieldsOf(table, part)
    return { fields, columns: [...fields.map(({ sql }) => sql), 'version'].join(', ') }
  })
}

function fieldsOf({ columns, computed = [], facets }: Table, part: Part): Field[] {
  const own = columns.flatMap(({ name, type, field, part: only }) =>
    field === undefined || (only === 'whole' && part !== 'whole') ? [] : [{ field, sql: name, type }],
  )
  const fields = [...own, ...computed]
  return part === 'facets' ? fields.filter(({ field }) => facets.includes(field)) : fields
}
