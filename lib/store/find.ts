import type { Statement } from './statement.ts'
import type { Table } from './table.ts'

/**
 * Rows of a table that a condition finds, said twice: in SQL for the rows that are stored, in TypeScript for those that
 * a batch has changed. Both must mean the same.
 */
export interface Find<Row extends object = object> {
  table: Table<Row>
  /** The keys of all rows that it may find, if it says them: then these are read together with all other keys, not by `statement`. */
  keys?: readonly string[] | undefined
  /** The condition as text: equal finds have equal names. */
  name: string
  /** Reads the rows (`rowColumns`), at most {@link FIND_LIMIT}. */
  statement(): Statement
  matches(row: Row): boolean
}

/** One row more than a transaction may change, so that too many are noticed. */
export const FIND_LIMIT = 20_001
