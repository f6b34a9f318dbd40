import { bytesOfHash } from '../model/idempotency-key.ts'
import { TABLES } from './apply-event.ts'
import { type ChangeSet, forgetBefore, type IdempotencyRow } from './change-set.ts'
import { arrayParam, type Statement, statement } from './statement.ts'

/**
 * What follows from changes and may be done once for many of them: idempotency keys are remembered, those before the
 * horizon forgotten, and configs removed that nothing refers to any more. A long replay does it at its end, because most
 * keys of a long log are forgotten again, and looking for references costs a scan while there are no indexes.
 */
export class Aftermath {
  readonly #configs = new Set<string>()
  readonly #keys = new Map<string, IdempotencyRow>()
  #horizon: ChangeSet['horizon']

  /** Adds what follows from a change set; change sets must come in their order. */
  add({ idempotency, horizon }: Pick<ChangeSet, 'idempotency' | 'horizon'>, abandonedConfigs: Iterable<string>): void {
    for (const config of abandonedConfigs) this.#configs.add(config)
    if (horizon !== undefined) {
      this.#horizon = horizon
      forgetBefore(this.#keys, horizon.timeMs)
    }
    for (const [hash, row] of idempotency) {
      this.#keys.delete(hash)
      this.#keys.set(hash, row)
    }
  }

  /** To be run behind the statements of the change sets. */
  statements(): Statement[] {
    const statements: Statement[] = []
    if (this.#configs.size > 0) statements.push(removeUnreferenced(this.#configs))
    // First: a key that is forgotten may be there again among those that are remembered.
    if (this.#horizon !== undefined) statements.push(...forget(this.#horizon))
    if (this.#keys.size > 0) statements.push(remember(this.#keys))
    return statements
  }
}

const REFERRING = TABLES.filter((table) => table.configs !== undefined)

/** A config exists while something refers to it. */
function removeUnreferenced(configIds: Set<string>): Statement {
  const references = REFERRING.map(
    (table) => `not exists (select from ${table.configsIn ?? table.name} r where r.config_id = c.config_id)`,
  )
  return {
    sql: `delete from task_config c where config_id = any($1::text[]) and ${references.join(' and ')}`,
    params: [arrayParam('text', [...configIds])],
  }
}

function remember(idempotency: Map<string, IdempotencyRow>): Statement {
  const keys = [...idempotency.values()]
  return {
    sql:
      'insert into boreal.idempotency (key_hash, lsn, index, time_ms) ' +
      'select * from unnest($1::bytea[], $2::int8[], $3::int4[], $4::int8[])',
    params: [
      arrayParam('bytea', [...idempotency.keys()].map(bytesOfHash)),
      arrayParam(
        'int8',
        keys.map((key) => key.lsn),
      ),
      arrayParam(
        'int4',
        keys.map((key) => key.index),
      ),
      arrayParam(
        'int8',
        keys.map((key) => key.timeMs),
      ),
    ],
  }
}

function forget(horizon: { timeMs: number; beforeLsn: number }): Statement[] {
  return [
    statement(
      'update boreal.horizon set time_ms = $1, before_lsn = $2 where one = 1',
      horizon.timeMs,
      horizon.beforeLsn,
    ),
    statement('delete from boreal.idempotency where time_ms < $1', horizon.timeMs),
    // Departures from roles stay: there are few of them, and the version of a role would go back without them.
    statement(`delete from boreal.departure where version < $1 and scope not like 'role:%'`, horizon.beforeLsn),
  ]
}
