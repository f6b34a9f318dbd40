import type { LogMark } from '../log/chain.ts'
import { markOf } from '../log/chain.ts'
import { type Aftermath, newAftermath } from './aftermath.ts'
import type { ChangeSet, IdempotencyRow } from './change-set.ts'
import { type AppliedMark, changeStatements, type RowBefore } from './change-statements.ts'
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
  /** Of an entry whose events are in frames: instead of statements, what makes them. */
  framed?: FramedStep
  /** What follows from it and is not in the statements: whoever takes it puts that off. */
  later?: Aftermath
}

/** The rows of a large entry, to be written frame by frame. */
export interface FramedStep {
  count: number
  /** Tasks that it puts and removes. */
  tasks: number
  /** The JSON text of a frame, verified. */
  text(index: number): Promise<Uint8Array>
  /** The client's key, by its hash. */
  key: [string, IdempotencyRow] | undefined
}

/** The step that an entry makes whose events are in frames. */
export function framedStep(from: LogMark, to: LogMark, framed: FramedStep): Step {
  const remembered = framed.key === undefined ? [] : [framed.key[1]]
  return { from, to: markOf(to), statements: [], remembered, horizon: undefined, format: undefined, framed }
}

/**
 * The step that a change set makes from a place where the rows were as `before` says. `putOff`: without what may be done
 * once for many steps.
 */
export function stepOf(from: LogMark, changes: ChangeSet, to: LogMark, before: RowBefore, putOff = false): Step {
  const later = putOff ? newAftermath() : undefined
  return {
    from,
    to: markOf(to),
    statements: changeStatements(changes, before, markMoved(from, to), later),
    remembered: [...changes.idempotency.values()],
    horizon: changes.horizon,
    format: changes.format?.format,
    ...(later === undefined ? {} : { later }),
  }
}

/** Moves the mark of a store along a step. */
export function markMoved({ lsn: previousLsn }: LogMark, { lsn, hash, time: timeMs }: LogMark): AppliedMark {
  return { previousLsn, lsn, hash, timeMs }
}
