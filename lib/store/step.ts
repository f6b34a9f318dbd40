import type { LogMark } from '../log/chain.ts'
import { markOf } from '../log/chain.ts'
import type { Aftermath } from './aftermath.ts'
import { ChangeSet, type IdempotencyRow } from './change-set.ts'
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
  /** Of an entry whose events are in frames: instead of statements, what makes them. */
  framed?: FramedStep
}

/** The rows of a large entry, to be written frame by frame. */
export interface FramedStep {
  count: number
  /** Tasks that it puts and removes. */
  tasks: number
  /** Verified bytes of a frame. */
  bytes(index: number): Promise<Uint8Array>
  /** The client's key, by its hash. */
  key: [string, IdempotencyRow] | undefined
}

/** The step that an entry makes whose events are in frames. */
export function framedStep(from: LogMark, to: LogMark, framed: FramedStep): Step {
  const remembered = framed.key === undefined ? [] : [framed.key[1]]
  return { from, to: markOf(to), statements: [], remembered, horizon: undefined, format: undefined, framed }
}

/** What is to be done behind the last frame. */
export function frameEnd(
  { from, to, framed }: Step,
  abandonedConfigs: Iterable<string>,
  later?: Aftermath,
): Statement[] {
  const changes = new ChangeSet()
  changes.apply([], { version: to.lsn, timeMs: to.time })
  for (const config of abandonedConfigs) changes.abandonedConfigs.add(config)
  if (framed?.key !== undefined) changes.remember(...framed.key)
  const mark = { previousLsn: from.lsn, lsn: to.lsn, hash: to.hash, timeMs: to.time }
  return changeStatements(changes, () => undefined, mark, later)
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
