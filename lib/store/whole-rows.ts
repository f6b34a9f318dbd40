import type { ResultSet } from './protocol.ts'
import type { Statement } from './statement.ts'
import { rowOf, rowsOf, selectByKeys, type Table } from './table.ts'
import { taskConfigsTable } from './task-configs-table.ts'
import { tasksTable } from './tasks-table.ts'

/**
 * Rows as they are: everything that putting them back needs. What a decision reads is less: it knows a config by its id,
 * and the time of a change is that of its entry.
 */
const MORE: Map<Table, string> = new Map([
  [tasksTable as Table, `'updatedMs', updated_ms`],
  [taskConfigsTable as Table, `'config', config`],
])

/** SQL of a row, whole, as JSON. */
export function wholeJson(table: Table): string {
  const more = MORE.get(table)
  return more === undefined ? table.rowJson : table.rowJson.replace(/\)$/, `, ${more})`)
}

/** A statement that reads rows whole, by key; read it with {@link wholeRows}. */
export function selectWhole(table: Table, keys: readonly string[]): Statement {
  return selectByKeys({ ...table, rowJson: wholeJson(table) }, keys)
}

export function wholeRows(result: ResultSet | undefined): object[] {
  return rowsOf(result).map(({ row }) => row)
}

/** The row that was read as `wholeJson`. */
export function wholeRow(json: string): object {
  return rowOf(JSON.parse(json)).row
}
