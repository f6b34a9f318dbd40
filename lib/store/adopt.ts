import { createHash } from 'node:crypto'
import { BEGIN, COMMIT, type Statement, statement } from './statement.ts'

/**
 * What makes the store of a parent that of its clone, or of the store restored from it: the chain goes on behind the
 * clone's genesis instead of the parent's entry, and a clone has forgotten the parent's idempotency keys.
 */
export interface Adoption {
  lsn: number
  /** Chain hash that the image has, hex. */
  from: string
  /** Hash of the genesis item, hex. */
  to: string
  /** Keys up to this time (ms) are forgotten; absent: all are kept. */
  forgets?: number | undefined
}

/** To be run on a store that was booted from the parent's image, once. Without effect on one that stands elsewhere. */
export function adoptStatements({ lsn, from, to, forgets }: Adoption): Statement[] {
  const here = 'exists (select from boreal.applied where lsn = $1 and hash = $2)'
  const forgetting =
    forgets === undefined
      ? []
      : [
          statement(`delete from boreal.idempotency where ${here}`, lsn, from),
          statement(
            `update boreal.horizon set time_ms = greatest(time_ms, $3) where ${here}`,
            ...[lsn, from, horizonAfter(forgets)],
          ),
        ]
  const moved = statement('update boreal.applied set hash = $3 where lsn = $1 and hash = $2', lsn, from, to)
  return [BEGIN, ...forgetting, moved, COMMIT]
}

export interface HorizonRow {
  timeMs: number
  beforeLsn: number
}

/** The hashes of the tables of a store (see digest.ts), and its horizon, after its keys were forgotten. */
export function forgottenKeys(
  tables: Record<string, string>,
  { timeMs, beforeLsn }: HorizonRow,
  forgets: number,
): { tables: Record<string, string>; horizon: HorizonRow } {
  const horizon = { timeMs: Math.max(timeMs, horizonAfter(forgets)), beforeLsn }
  const row = createHash('sha256').update(`[${horizon.timeMs}, ${horizon.beforeLsn}]`).digest()
  return {
    tables: { ...tables, 'boreal.idempotency': sha256(''), 'boreal.horizon': sha256(row) },
    horizon,
  }
}

/** A key of that very time may have been used: it is before the horizon, too. */
function horizonAfter(forgets: number): number {
  return forgets + 1
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
