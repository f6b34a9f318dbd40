import type { Statement } from './statement.ts'
import type { Column, Puts, Table } from './table.ts'

/**
 * Rows that are not there, in the text form of COPY: for the engine half the work of an insert from arrays, which it takes
 * apart and puts together again. It is read and checked like any other statement, but no plan is kept for it.
 */
export function copyIn<Row extends object>(table: Table<Row>, rows: Puts<Row>): Statement {
  const names = table.columns.map(({ name }) => name).join(', ')
  let text = ''
  for (const { row, meta } of rows) {
    let separator = ''
    for (const column of table.columns) {
      text += separator + cellText(column as Column<object>, column.value(row, meta))
      separator = '\t'
    }
    text += '\n'
  }
  return { sql: `copy ${table.name} (${names}) from stdin`, params: [], copy: Buffer.from(text) }
}

const SPECIAL = /[\\\t\n\r]/
const SPECIALS = /[\\\t\n\r]/g
const ESCAPED: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function cellText({ type }: Pick<Column<object>, 'type'>, value: unknown): string {
  if (value === null || value === undefined) return '\\N'
  const text = type === 'json' ? JSON.stringify(value) : String(value)
  return SPECIAL.test(text) ? text.replace(SPECIALS, (each) => ESCAPED[each]!) : text
}
