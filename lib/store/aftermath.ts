import { TABLES } from './apply-event.ts'
import { forgetBefore, type IdempotencyRow } from './change-set.ts'
import { type CopiedColumn, copyIn } from './copy-rows.ts'
import { forgetTasks, type JobChange, mergeJobs, removeEmptyJobs, upsertJobs } from './job-changes.ts'
import { arrayParam, columnParam, type Statement, statement } from './statement.ts'

/**
 * What follows from changes to rows, and may be written once for many of them: table `job` counts anew, scopes have lost
 * rows, entities have changed, configs may have lost their last reference, keys are remembered and forgotten. A frame of a
 * large entry, or a run of a replay, touches most jobs, so to write this with each of them costs as much as their rows do.
 *
 * Invariant: what follows from a change set and from the next one, merged, is what follows from both as one.
 */
export interface Aftermath {
  jobs: Map<string, JobChange>
  /** Scope → LSN at which a row last left it, by entity. */
  departures: Map<string, Map<string, number>>
  /** LSN of the last change of each entity. */
  entities: Map<string, number>
  /** Configs that may have lost their last reference. */
  configs: Set<string>
  keys: Map<string, IdempotencyRow>
  horizon: { timeMs: number; beforeLsn: number } | undefined
}

export function newAftermath(): Aftermath {
  return {
    ...{ jobs: new Map(), departures: new Map(), entities: new Map(), configs: new Set(), keys: new Map() },
    horizon: undefined,
  }
}

/** Adds what follows from later changes. */
export function mergeAftermath(into: Aftermath, from: Aftermath): void {
  mergeJobs(into.jobs, from.jobs)
  for (const [entity, scopes] of from.departures) {
    const known = into.departures.get(entity)
    if (known === undefined) into.departures.set(entity, new Map(scopes))
    else for (const [scope, version] of scopes) known.set(scope, version)
  }
  for (const [entity, version] of from.entities) into.entities.set(entity, version)
  for (const config of from.configs) into.configs.add(config)
  if (from.horizon !== undefined) {
    into.horizon = from.horizon
    forgetBefore(into.keys, from.horizon.timeMs)
  }
  for (const [hash, row] of from.keys) {
    into.keys.delete(hash)
    into.keys.set(hash, row)
  }
}

/** To be run ahead of the rows, where it is checked that the jobs are there to which they refer. */
export function aheadOfRows({ jobs }: Aftermath): Statement[] {
  return jobs.size > 0 ? [upsertJobs(jobs)] : []
}

/** To be run behind the rows. */
export function behindRows({ jobs, departures, entities, configs, horizon, keys }: Aftermath): Statement[] {
  const statements = [forgetTasks(jobs), removeEmptyJobs(jobs)].filter((each) => each !== undefined)
  if (entities.size > 0) statements.push(entityChanges(entities))
  if (departures.size > 0) statements.push(departed(departures))
  if (configs.size > 0) statements.push(removeUnreferenced(configs))
  // First: a key that is forgotten may be there again among those that are remembered.
  if (horizon !== undefined) statements.push(...forget(horizon))
  if (keys.size > 0) statements.push(copyIn('boreal.idempotency', KEY_COLUMNS, keys))
  return statements
}

function entityChanges(entities: Map<string, number>): Statement {
  return {
    sql:
      'insert into boreal.entity_change (entity, version) select * from unnest($1::text[], $2::int8[]) ' +
      'on conflict (entity) do update set version = excluded.version',
    params: [arrayParam('text', [...entities.keys()]), arrayParam('int8', [...entities.values()])],
  }
}

function departed(departures: Map<string, Map<string, number>>): Statement {
  const rows = [...departures].flatMap(([entity, scopes]) =>
    [...scopes].map(([scope, version]) => ({ entity, scope, version })),
  )
  return {
    sql:
      'insert into boreal.departure (entity, scope, version) select * from unnest($1::text[], $2::text[], $3::int8[]) ' +
      'on conflict (entity, scope) do update set version = excluded.version',
    params: [
      columnParam('text', rows, (row) => row.entity),
      columnParam('text', rows, (row) => row.scope),
      columnParam('int8', rows, (row) => row.version),
    ],
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

const KEY_COLUMNS: CopiedColumn<[hash: string, IdempotencyRow]>[] = [
  { name: 'key_hash', type: 'bytea', value: ([hash]) => hash },
  { name: 'lsn', type: 'int8', value: ([, { lsn }]) => lsn },
  { name: 'index', type: 'int4', value: ([, { index }]) => index },
  { name: 'time_ms', type: 'int8', value: ([, { timeMs }]) => timeMs },
]

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
