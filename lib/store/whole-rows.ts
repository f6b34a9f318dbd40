import type { ResultSet } from './protocol.ts'
import type { Statement } from './statement.ts'
import { rowsOf, selectByKeys, type Table } from './table.ts'
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

/** A statement that reads rows whole, by key; read it with {@link wholeRows}. */
export function selectWhole(table: Table, keys: readonly string[]): Statement {
  const more = MORE.get(table)
  const rowJson = more === undefined ? table.rowJson : table.rowJson.replace(/\)$/, `, ${more})`)
  return selectByKeys({ ...table, rowJson }, keys)
}

export function wholeRows(result: ResultSet | undefined): object[] {
  return rowsOf(result).map(({ row }) => row)
}
