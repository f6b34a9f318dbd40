import { jsonOf } from './protocol.ts'
import { type Statement, statement } from './statement.ts'
import type { Store } from './store.ts'

/**
 * What Postgres' background workers would do, and which an engine without them has to be told to do: checkpoints, or
 * its log of changes grows for ever; vacuum, or dead rows do; statistics, for the queries of users.
 */
export interface HousekeepingLimits {
  /** WAL segments (1 MB each) at which a checkpoint is made. */
  walSegments: number
  /** A table is vacuumed at so many dead rows, and at least at a fifth of its live ones. */
  deadRows: number
  /** A table is analyzed after so many changes, and at least a fifth of its rows; 0 never. */
  changedRows: number
}

export const HOUSEKEEPING_LIMITS: HousekeepingLimits = { walSegments: 48, deadRows: 20_000, changedRows: 0 }

/** For a store on which users run SQL: their plans need statistics. */
export const READER_HOUSEKEEPING_LIMITS: HousekeepingLimits = { ...HOUSEKEEPING_LIMITS, changedRows: 10_000 }

const SHARE = 0.2

interface Need {
  walSegments: number
  tables: { name: string; live: number; dead: number; changed: number }[]
}

const NEED = statement(`
  select json_build_object(
    'walSegments', (select count(*) from pg_ls_waldir()),
    'tables', (select json_agg(json_build_object('name', format('%I.%I', schemaname, relname), 'live', n_live_tup,
                 'dead', n_dead_tup, 'changed', n_mod_since_analyze)) from pg_stat_user_tables))`)

/** Does what is needed, a message each, so that others get their turn in between. Gives what was done. */
export async function keepHouse(
  store: Pick<Store, 'run'>,
  limits: HousekeepingLimits = HOUSEKEEPING_LIMITS,
): Promise<string[]> {
  const [result] = await store.run([NEED])
  const work = workOf(jsonOf<Need>(result)!, limits)
  for (const each of work) await store.run([each])
  return work.map(({ sql }) => sql)
}

function workOf({ walSegments, tables }: Need, limits: HousekeepingLimits): Statement[] {
  const work: Statement[] = []
  for (const { name, live, dead, changed } of tables) {
    if (dead > Math.max(limits.deadRows, live * SHARE)) work.push(statement(`vacuum ${name}`))
    const enough = Math.max(limits.changedRows, live * SHARE)
    if (limits.changedRows > 0 && changed > enough) work.push(statement(`analyze ${name}`))
  }
  if (walSegments > limits.walSegments) work.push(statement('checkpoint'))
  return work
}
