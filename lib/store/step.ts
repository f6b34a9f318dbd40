import type { LogMark } from '../log/chain.ts'
import { markOf } from '../log/chain.ts'
import type { Aftermath } from './aftermath.ts'
import type { ChangeSet, IdempotencyRow } from './change-set.ts'
import { changeStatements, type RowBefore } from './change-statements.ts'
import type { Statement } from './statement.ts'

/** A step of a store from one place of the log to a later one, as SQL. Any store that stands at `from` can take it. */
export interface Step {
  from: LogMark
  to: LogMark
  statements: Statement[]
  /** Idempotency keys that it remembers. */
  remembered: IdempotencyRow[]
  /** Where it moves the horizon to. */
  horizon: { timeMs: number } | undefined
  /** The format to which it finalizes the store. */
  format: number | undefined
}

/**
 * The step that a change set makes from a place where the rows were as `before` says. `later` takes what may be done
 * once for many steps.
 */
export function stepOf(from: LogMark, changes: ChangeSet, to: LogMark, before: RowBefore, later?: Aftermath): Step {
  const mark = { previousLsn: from.lsn, lsn: to.lsn, hash: to.hash, timeMs: to.time }
  return {
    from,
    to: markOf(to),
    statements: changeStatements(changes, before, mark, later),
    remembered: [...changes.idempotency.values()],
    horizon: changes.horizon,
    format: changes.format?.format,
  }
}
