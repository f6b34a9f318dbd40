import { eventOf, type StagedEvent } from '../log/frames.ts'
import type { Log } from '../log/log.ts'
import type { BorealEvent } from '../model/events.ts'
import { rowsOf, selectByKeys } from '../store/read-rows.ts'
import type { Table } from '../store/table.ts'
import { taskConfigsTable } from '../store/task-configs-table.ts'
import { type CompareOptions, compareStores, type Readable } from './compare.ts'
import { RowChanges, readWhole } from './row-changes.ts'
import { type DifferenceSummary, Summary } from './summary.ts'
import { compareTouched, type TouchedKeys, touchedKeys } from './touched.ts'

export interface DifferenceContext {
  log: Log
  /** The store as it is to become. */
  target: Readable
  /** Only these rows are to become so; default all. */
  only?: TouchedKeys | undefined
}

/** A difference that was computed, of which nothing has been done. */
export interface ComputedDifference {
  /** Every entry up to here was seen. */
  lsn: number
  summary: DifferenceSummary
  /** Rows that the store will have more than before. */
  growth: number
  /** Configs that the rows put refer to. */
  configs: Set<string>
}

/**
 * What makes the live store like the target, computed beside both. `live` reads at LSN `lsn` or later, not always at the
 * same one. Every piece of the events goes to `sink` when it is known; without one only the summary is made.
 */
export async function computeDifference(
  { target, only }: DifferenceContext,
  live: Readable,
  lsn: number,
  sink?: (events: StagedEvent[]) => Promise<void>,
  options: CompareOptions = {},
): Promise<ComputedDifference> {
  const summary = new Summary()
  const changes = new RowChanges(target)
  const differing = only === undefined ? compareStores(live, target, options) : compareTouched(only, live, target)
  for await (const each of differing) {
    summary.add(each)
    if (sink !== undefined) for await (const events of changes.of(each)) await sink(events)
  }
  if (sink !== undefined) for await (const events of changes.rest()) await sink(events)
  return { lsn, summary: summary.end(), growth: summary.growth, configs: changes.configs }
}

/**
 * What has to be done besides a difference that was computed at `computed.lsn`, on a store at `lsn`: what was changed since
 * is looked at again, and configs that have gone since are brought back. Its events go before those of the difference.
 * Adds to `computed.configs`.
 */
export async function adjustment(
  { log, target, only }: DifferenceContext,
  computed: ComputedDifference,
  live: Readable,
  lsn: number,
): Promise<BorealEvent[]> {
  const changes = new RowChanges(target)
  const events: BorealEvent[] = []
  const since = await touchedKeys(log, computed.lsn, lsn)
  const touched = only === undefined ? since : commonKeys(since, only)
  const emit = async (pieces: AsyncIterable<StagedEvent[]>) => {
    for await (const piece of pieces) events.push(...piece.map(eventOf))
  }
  for await (const differing of compareTouched(touched, live, target)) await emit(changes.of(differing))
  await emit(changes.rest())
  for (const config of changes.configs) computed.configs.add(config)
  const configs = await missingConfigs(computed.configs, live, target)
  return [...configs, ...events]
}

const CONFIGS = 500

async function missingConfigs(wanted: Set<string>, live: Readable, target: Readable): Promise<BorealEvent[]> {
  const table = taskConfigsTable as Table
  const all = [...wanted]
  const events: BorealEvent[] = []
  for (let start = 0; start < all.length; start += CONFIGS) {
    const some = all.slice(start, start + CONFIGS)
    const [found] = await live.read([selectByKeys(table, some, 'facets')])
    const there = new Set(rowsOf(table, found, 'facets').map(({ row }) => table.key(row)))
    const missing = some.filter((key) => !there.has(key))
    if (missing.length === 0) continue
    const rows = await readWhole(target, table, missing)
    events.push({ event: 'rowsPut', v: 1, entity: 'taskConfig', rows })
  }
  return events
}

function commonKeys(one: TouchedKeys, other: TouchedKeys): TouchedKeys {
  return new Map(
    [...one].map(([table, keys]) => [table, new Set([...keys].filter((key) => other.get(table)?.has(key)))]),
  )
}
