import type { ChangeSet } from './change-set.ts'
import { beforeStatements, type RowBefore } from './change-statements.ts'
import type { ResultSet } from './protocol.ts'
import { rowsOf, type Table } from './table.ts'

/** The rows before a change set, from the results of its {@link beforeStatements}. */
export function readBefore(changes: ChangeSet, results: ResultSet[]): RowBefore {
  const rows = new Map<Table, Map<string, object>>()
  for (const [index, { table }] of beforeStatements(changes).entries()) {
    rows.set(table, new Map(rowsOf(results[index]).map(({ row }) => [table.key(row), row])))
  }
  return (table, key) => rows.get(table)?.get(key)
}
