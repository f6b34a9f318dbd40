import { expect, test } from 'vitest'
import { encodeFrame, unpackFrame } from '../../lib/log/frames.ts'
import type { BorealEvent, TaskRow } from '../../lib/model/events.ts'
import { aheadOfRows, behindRows } from '../../lib/store/aftermath.ts'
import { ChangeSet } from '../../lib/store/change-set.ts'
import { textOf } from '../../lib/store/result-set.ts'
import { BEGIN, COMMIT, statement } from '../../lib/store/statement.ts'
import { framedStep, stepOf } from '../../lib/store/step.ts'
import type { Store } from '../../lib/store/store.ts'
import { emptyStore, stateOf } from '../support/state.ts'

/** So many that a large entry of most of them writes the table anew. */
const TASKS = 6_000

const task = (id: number, fields: Partial<TaskRow> = {}): TaskRow => ({
  ...{ taskId: `t-${id}`, role: `r${id % 3}`, environment: 'prod', jobName: `j${id % 40}`, instanceId: id },
  ...{ status: 'PENDING', configId: `c${id % 5}`, failureCount: 0, timesPartitioned: 0, createdMs: 1 },
  ...{ taskEvents: [], assignedPorts: {} },
  ...fields,
})

const put = (rows: TaskRow[]): BorealEvent => ({ event: 'rowsPut', v: 1, entity: 'task', rows })
const removed = (...ids: number[]): BorealEvent => {
  return { event: 'rowsRemoved', v: 1, entity: 'task', keys: ids.map((id) => `t-${id}`) }
}
const configs: BorealEvent = {
  ...{ event: 'rowsPut', v: 1, entity: 'taskConfig' },
  rows: Array.from({ length: 6 }, (_, index) => ({ configId: `c${index}`, config: {} })),
} as BorealEvent

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const failed = (from: number, to: number) => put(range(from, to).map((id) => task(id, { status: 'FAILED' })))

/** Most tasks change, 1,000 do not; some come twice, go, come back, or come and go. */
const FRAMES: BorealEvent[][] = [
  [put([task(7, { status: 'LOST' }), task(8, { status: 'LOST', slaveHost: 'h8' })]), removed(9, 10)],
  [failed(0, 2_000), removed(11)],
  [failed(2_000, 5_000), put([task(9, { configId: 'c5' }), task(TASKS)])],
  [removed(8, 12, TASKS), put([task(2_500, { status: 'KILLED' })]), removed(5_500)],
]

const META = [
  { version: 1, timeMs: 10 },
  { version: 2, timeMs: 20 },
] as const
const mark = (lsn: 1 | 2) => ({ lsn, hash: `${lsn}`.repeat(64), time: META[lsn - 1]!.timeMs })

async function storeWithTasks(): Promise<Store> {
  const store = await emptyStore({ genesis: async () => ({ lsn: 0, hash: '', time: 0 }) })
  await take(store, 1, [configs, put(range(0, TASKS).map((id) => task(id)))])
  return store
}

async function take(store: Store, lsn: 1 | 2, events: BorealEvent[]): Promise<void> {
  const changes = new ChangeSet()
  changes.apply(events, META[lsn - 1]!)
  await store.take([stepOf(store.mark, changes, mark(lsn), await store.rowsBefore(changes))])
}

async function framed(store: Store) {
  const frames = await Promise.all(FRAMES.map(encodeFrame))
  const tasks = frames.reduce((sum, { frame }) => sum + (frame.put?.task ?? 0) + (frame.removed?.task ?? 0), 0)
  const text = (index: number) => unpackFrame(2, index, frames[index]!.bytes)
  return framedStep(store.mark, mark(2), { count: frames.length, tasks, text, key: undefined })
}

const INDEXES = statement(`select string_agg(indexdef, ' ' order by indexdef) from pg_indexes where tablename = 'task'`)
const TABLES = statement(`select string_agg(relname, ' ' order by relname) from pg_class where relkind in ('r', 'i')`)

async function shapeOf(store: Store): Promise<(string | null)[]> {
  return (await store.run([INDEXES, TABLES])).map(({ rows }) => textOf(rows[0]![0]))
}

const WAYS: Record<string, (store: Store) => Promise<void>> = {
  'taken from the log': async (store) => {
    await store.takeFramed(await framed(store))
  },
  'taken with what follows put off': async (store) => {
    const later = (await store.takeFramed(await framed(store), true))!
    await store.run([...aheadOfRows(later), ...behindRows(later)])
  },
  'written before it is sent': async (store) => {
    const step = await framed(store)
    await store.run([BEGIN])
    await store.writeFramed(step)
    await store.run([COMMIT])
  },
}

test.each(Object.entries(WAYS))(
  'a store is the same whether its tasks were written anew or over themselves: %s',
  { timeout: 60_000 },
  async (_, write) => {
    const [over, anew] = [await storeWithTasks(), await storeWithTasks()]
    const shape = await shapeOf(anew)
    await take(over, 2, FRAMES.flat())
    await write(anew)
    expect(await stateOf(anew)).toEqual(await stateOf(over))
    expect(await shapeOf(anew)).toEqual(shape)
    await Promise.all([over.engine.kill(), anew.engine.kill()])
  },
)

test('a large entry that fails on the way leaves the tasks as they were', { timeout: 60_000 }, async () => {
  const store = await storeWithTasks()
  const [before, shape] = [await stateOf(store), await shapeOf(store)]
  const step = await framed(store)
  const { text } = step.framed!
  step.framed!.text = (index) => (index === 3 ? Promise.reject(new Error('it is gone')) : text(index))
  await expect(store.takeFramed(step)).rejects.toThrow('it is gone')
  expect([await stateOf(store), await shapeOf(store)]).toEqual([before, shape])
  await store.engine.kill()
})
