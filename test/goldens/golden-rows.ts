import { decodeEntry, encodeEntry } from '../../lib/log/entry-codec.ts'
import type { EventKind } from '../../lib/model/event-registry.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { statement } from '../../lib/store/statement.ts'
import type { Store } from '../../lib/store/store.ts'
import { emptyStore, stateOf } from '../support/state.ts'
import { readGolden } from './golden-files.ts'
import type { StoredEvent } from './written-events.ts'

/** Rows by table; every value as text, so that no digit is lost. Tables without rows are there, too. */
export type Rows = Record<string, Record<string, string | null>[]>

/** What must have happened before a kind has an effect that shows; by the first version of each, which never goes. */
const BEFORE: Partial<Record<EventKind, EventKind[]>> = {
  tasksRemoved: ['tasksSaved'],
  cronJobRemoved: ['cronJobSaved'],
  quotaRemoved: ['quotaSaved'],
  hostAttributesRemoved: ['hostAttributesSaved'],
  hostMaintenanceRemoved: ['hostMaintenanceSaved'],
  jobUpdateEventsSaved: ['jobUpdateSaved'],
  jobUpdatesRemoved: ['jobUpdateSaved', 'jobUpdateEventsSaved'],
  lockRemoved: ['lockSaved'],
  rowsRemoved: ['rowsPut'],
  horizonMoved: ['quotaSaved'],
}

const GENESIS = { lsn: 0, hash: 'ab'.repeat(32), time: 0 }

/** The rows of a store that was empty, after a stored event and what it needs. */
export async function rowsAfter(event: StoredEvent): Promise<Rows> {
  const before = (BEFORE[event.event as EventKind] ?? []).map((kind) => readGolden<StoredEvent>(`events/${kind}.v1`))
  const store = await emptyStore({ genesis: async () => GENESIS })
  try {
    for (const [index, each] of [...before, event].entries()) await store.apply([entryOf(each, index + 1)])
    return await rowsOf(store)
  } finally {
    await store.engine.kill()
  }
}

/** An entry with this event, as it is read. */
function entryOf(event: StoredEvent, lsn: number) {
  const transaction = {
    id: `t-${lsn}`,
    key: `key-${lsn}`,
    principal: 'ann',
    actor: 'ann',
    events: [event],
    results: [],
  }
  const draft = { lsn, time: 1_764_000_000_000 + lsn, prev: GENESIS.hash, transactions: [transaction] as never }
  const { item, body } = encodeEntry(draft, { storeId: 'store', writer: 'w', attempt: 'a' })
  return decodeEntry(item, body)
}

async function rowsOf(store: Store): Promise<Rows> {
  const tables = Object.keys((await stateOf(store)).tables)
  const results = await store.run(
    tables.map((table) =>
      statement(
        `select json_agg((select json_object_agg(key, value) from json_each_text(row_to_json(t)))) from ${table} t`,
      ),
    ),
  )
  return Object.fromEntries(tables.map((table, index) => [table, inOrder(jsonOf<Rows[string]>(results[index]) ?? [])]))
}

/** The rows as far as others know them: tables and columns that a later schema has added are left out. */
export function knownTo(others: Rows, rows: Rows): Rows {
  const tables = Object.entries(others).map(([table, known]) => {
    const columns = Object.keys(known[0] ?? {})
    const project = (row: Rows[string][number]) => Object.fromEntries(columns.map((name) => [name, row[name] ?? null]))
    return [table, inOrder((rows[table] ?? []).map(project))]
  })
  return Object.fromEntries(tables) as Rows
}

function inOrder(rows: Rows[string]): Rows[string] {
  const sorted = rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
  return sorted.map((text) => Object.fromEntries(JSON.parse(text) as [string, string | null][]))
}
