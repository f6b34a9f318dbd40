import type { ChangeSet } from './change-set.ts'
import { beforeStatements, type RowBefore } from './change-statements.ts'
import type { Runner } from './procedure.ts'
import { rowsOf } from './read-rows.ts'
import type { ResultSet } from './result-set.ts'
import type { Table } from './table.ts'

/** The rows before a change set, from the results of its {@link beforeStatements}. */
export function readBefore(changes: ChangeSet, results: ResultSet[]): RowBefore {
  const rows = new Map<Table, Map<string, object>>()
  for (const [index, { table }] of beforeStatements(changes).entries()) {
    rows.set(table, new Map(rowsOf(table, results[index], 'facets').map(({ row }) => [table.key(row), row])))
  }
  return (table, key) => rows.get(table)?.get(key)
}

/** Reads the rows before a change set. */
export async function readRowsBefore(engine: Runner, changes: ChangeSet): Promise<RowBefore> {
  const reads = beforeStatements(changes)
  if (reads.length === 0) return () => undefined
  return readBefore(changes, await engine.run(reads.map((read) => read.statement)))
}
