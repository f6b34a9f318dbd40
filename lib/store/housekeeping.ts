import { jsonOf } from './result-set.ts'
import { statement } from './statement.ts'
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

/** One piece of maintenance: one statement about one table, or a checkpoint. */
export interface Slice {
  sql: string
  /** How much there is over how much there may be: above 1 it is needed. */
  urgency: number
}

/** So far beyond its limit it is done although others wait: memory would go on growing. */
const OVERDUE = 4

export function isOverdue({ urgency }: Slice): boolean {
  return urgency >= OVERDUE
}

/** The most urgent piece of maintenance; `undefined` when none is needed. Looking costs a statement on counters. */
export async function nextSlice(store: Pick<Store, 'run'>, limits: HousekeepingLimits): Promise<Slice | undefined> {
  const [result] = await store.run([NEED])
  const slices = slicesOf(jsonOf<Need>(result)!, limits).filter(({ urgency }) => urgency > 1)
  return slices.sort((one, other) => other.urgency - one.urgency)[0]
}

/** Does all that is needed, a message each, on a store that nobody waits for. Gives what was done. */
export async function keepHouse(
  store: Pick<Store, 'run'>,
  limits: HousekeepingLimits = HOUSEKEEPING_LIMITS,
): Promise<string[]> {
  const done: string[] = []
  for (;;) {
    const slice = await nextSlice(store, limits)
    // What is still needed after it was done will not go away by doing it again.
    if (slice === undefined || done.includes(slice.sql)) return done
    await store.run([statement(slice.sql)])
    done.push(slice.sql)
  }
}

function slicesOf({ walSegments, tables }: Need, limits: HousekeepingLimits): Slice[] {
  const slices = [{ sql: 'checkpoint', urgency: walSegments / limits.walSegments }]
  for (const { name, live, dead, changed } of tables) {
    // To give back the end of the file would take another pass, and it is used again anyway.
    slices.push({ sql: `vacuum (truncate off) ${name}`, urgency: dead / Math.max(limits.deadRows, live * SHARE) })
    if (limits.changedRows === 0) continue
    slices.push({ sql: `analyze ${name}`, urgency: changed / Math.max(limits.changedRows, live * SHARE) })
  }
  return slices
}
