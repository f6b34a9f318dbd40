import { storedTransactions } from '../../lib/log/entry-codec.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import type { BorealEvent } from '../../lib/model/events.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request } from '../support/requests.ts'
import type { Cleanup } from '../support/temporary.ts'
import { FULL_TRANSACTIONS, REMOVALS } from './operations.ts'

const HOUR = 60 * 60_000
const START_MS = 1_764_000_000_000

const ROW_EVENTS: BorealEvent[] = [
  {
    event: 'rowsPut',
    v: 1,
    entity: 'quota',
    rows: [{ role: 'put', quota: { resources: [{ diskMb: 3 }, { numCpus: 1.5 }, { ramMb: '9223372036854775807' }] } }],
  },
  { event: 'rowsRemoved', v: 1, entity: 'quota', keys: ['put'] },
]

/** An event as the log holds it. */
export interface StoredEvent {
  event: string
  v: number
}

/** The log of a node that was sent the full transactions, and that by nothing but them: the same in every run. */
export async function writtenLog(cleanup?: Cleanup): Promise<LogItem[]> {
  let elapsed = 0
  let ids = 0
  const runtime = {
    ...systemRuntime,
    now: () => START_MS + elapsed,
    random: () => 0.5,
    newId: () => String(++ids).padStart(26, '0'),
  }
  const horizon = { maxAgeMs: HOUR, minAgeMs: HOUR, maxKeys: 1_000, sliceMs: HOUR }
  const options = { runtime, horizon, storeId: 'store-of-goldens' }
  const { node, table } = await memoryNode(cleanup === undefined ? options : { ...options, cleanup })
  const transactions = [...FULL_TRANSACTIONS, ...REMOVALS]
  for (const [index, operations] of transactions.entries()) {
    // At the third the horizon moves to the keys of the second, because those of the first are too old by then. At the
    // start, so that it does not move elsewhere when transactions are added.
    if (index === 1) elapsed += 2 * HOUR
    if (index === 2) elapsed += HOUR / 2
    await node.submit(request(operations), { ...as('ann', `key-${index}`), reason: `reason ${index}` })
  }
  // What moves the store to an earlier state is no operation.
  await node.submitAlone({
    ...{ principal: 'ann', reason: 'backtrack', deadline: Number.POSITIVE_INFINITY },
    decide: async () => ({ events: ROW_EVENTS, growth: 0 }),
  })
  return [...table.slots.values()].sort((a, b) => a.lsn - b.lsn)
}

/** The events of some items as their bytes have them: not upcast. */
export function storedEvents(items: LogItem[]): StoredEvent[] {
  return items
    .flatMap((item) => storedTransactions(item, item.body ?? new Uint8Array()))
    .flatMap(({ events }) => events as StoredEvent[])
}
