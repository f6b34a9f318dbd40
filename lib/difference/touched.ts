import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import { applyEvent, type ChangeSink, TABLES } from '../store/apply-event.ts'
import { childKeys, keysOfChildren } from '../store/compared-rows.ts'
import { quietly } from '../store/store.ts'
import type { Table } from '../store/table.ts'
import { compareKeysOf, type Differing, isEmpty, type Readable } from './compare.ts'
import { parentKeyOf } from './row-changes.ts'

/** Keys of rows, by table. An update stands for everything that belongs to it. */
export type TouchedKeys = Map<Table, Set<string>>

const PAGE = 1_000
/** Keys that are compared at a time. */
const KEYS = 2_000

/** What the entries behind `after`, up to `upTo`, have put or removed. */
export async function touchedKeys(log: Log, after: number, upTo: number): Promise<TouchedKeys> {
  const touched: TouchedKeys = new Map()
  const sink = sinkOf(touched)
  for (let at = after; at < upTo; ) {
    const page = await log.page(at, Math.min(PAGE, upTo - at))
    for (const entry of page) {
      const meta = { version: entry.lsn, timeMs: entry.time }
      for await (const events of log.eventsOf(entry)) for (const event of events) applyEvent(event, meta, sink)
    }
    at = page.at(-1)?.lsn ?? upTo
  }
  return touched
}

function sinkOf(touched: TouchedKeys): ChangeSink {
  const add = (table: Table, key: string) => {
    const of = table.parent?.table ?? table
    getOrInsert(touched, of, () => new Set<string>()).add(table.parent === undefined ? key : parentKeyOf(table, key))
  }
  return {
    put: (table, row) => add(table as Table, table.key(row)),
    remove: add,
    moveHorizon: () => undefined,
    setFormat: () => undefined,
  }
}

/**
 * What one entry has put or removed.
 *
 * @throws BorealError `out_of_retention` when it is not there
 */
export async function keysOfEntry(log: Log, lsn: number): Promise<TouchedKeys> {
  if ((await log.entry(lsn)) === undefined) throw new BorealError('out_of_retention', `there is no log entry ${lsn}`)
  return touchedKeys(log, lsn - 1, lsn)
}

/** How the rows with these keys differ between two stores, in the order of the tables. */
export async function* compareTouched(
  touched: TouchedKeys,
  live: Readable,
  target: Readable,
): AsyncGenerator<Differing> {
  for (const table of TABLES) {
    const keys = [...(touched.get(table.parent?.table ?? table) ?? [])]
    const compared = async (start: number) => {
      const some = keys.slice(start, start + KEYS)
      const rows = table.parent === undefined ? some : await childrenIn(table, some, [live, target])
      return compareKeysOf(table, rows, live, target)
    }
    if (keys.length === 0) continue
    for (let start = 0, next = quietly(compared(0)); start < keys.length; start += KEYS) {
      const differing = await next
      // Read while whoever asked works on this one.
      if (start + KEYS < keys.length) next = quietly(compared(start + KEYS))
      if (!isEmpty(differing)) yield differing
    }
  }
}

async function childrenIn(table: Table, parents: string[], stores: Readable[]): Promise<string[]> {
  const found = new Set<string>()
  for (const store of stores) {
    for (const key of childKeys(table, (await store.read([keysOfChildren(table, parents)]))[0])) found.add(key)
  }
  return [...found]
}
