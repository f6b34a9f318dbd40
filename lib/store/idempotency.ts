import { bytesOfHash } from '../model/idempotency-key.ts'
import { type ResultSet, textOf } from './result-set.ts'
import { type Statement, statement } from './statement.ts'

/** Reads of what the store remembers of idempotency keys. */

/** Where the transaction of a key (its hash, hex) is in the log. */
export function idempotencyPlace(keyHash: string): Statement {
  return statement('select lsn, index from boreal.idempotency where key_hash = $1', bytesOfHash(keyHash))
}

export function placeOf(result: ResultSet | undefined): { lsn: number; index: number } | undefined {
  const row = result?.rows[0]
  return row === undefined ? undefined : { lsn: Number(textOf(row[0])), index: Number(textOf(row[1])) }
}

/** Time of the horizon, ms. */
export const horizonStatement: Statement = statement('select time_ms from boreal.horizon where one = 1')

/** The whole horizon: `{timeMs, beforeLsn}`. */
export const horizonRowStatement: Statement = statement(
  `select json_build_object('timeMs', time_ms, 'beforeLsn', before_lsn) from boreal.horizon where one = 1`,
)
