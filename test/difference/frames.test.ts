import { expect, test } from 'vitest'
import { replay, replayInBulk } from '../../lib/replica/replay.ts'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { dataOf, liveStore, moveTo, storeAt } from '../support/difference.ts'
import { memoryNode } from '../support/memory-node.ts'
import { config, task } from '../support/records.ts'
import { request } from '../support/requests.ts'
import { emptyStore, stateOf } from '../support/state.ts'

/** Entries that are too large to be held whole. */

const TASKS = 4_500

function tasks(status: 'PENDING' | 'RUNNING', from = 0, to = TASKS) {
  const all = Array.from({ length: to - from }, (_, index) => {
    const id = from + index
    const job = { role: `r${id % 7}`, environment: 'prod', name: `j${id % 50}` }
    return task(`t-${id}`, { status, instanceId: id, task: config({ job }), slaveHost: `h${id % 100}` })
  })
  return { op: 'saveTasks', tasks: all }
}

const all = { op: 'mutateTasks', query: { all: true }, patch: { status: 'FAILED' } }

test('a large difference is framed, and writer, replay, bulk replay, readers and a restarted node agree', {
  timeout: 300_000,
}, async () => {
  const bed = await memoryNode({ readers: 2, boot: (image) => ThreadEngine.boot(image, undefined, 'writer-thread') })
  const { node, table, storeId, bodies } = bed
  const submit = (operations: unknown[]) => node.submit(request(operations), { principal: 'p' })
  await submit([tasks('PENDING')])
  const good = node.tailLsn
  const wanted = await dataOf(liveStore(node))
  await submit([all])
  await submit([{ op: 'removeTasks', query: { role: 'r3' } }])
  await submit([tasks('RUNNING', TASKS, TASKS + 100)])
  const before = await dataOf(liveStore(node))

  const back = await moveTo(node, good)
  expect(back).toMatchObject({ made: true, lsn: good + 4 })
  const entry = (await node.log.entry(back.lsn))!
  expect(entry.framed!.frames.length).toBeGreaterThan(2)
  expect(await dataOf(liveStore(node))).toEqual(wanted)

  // Ordinary work goes on behind it.
  await submit([{ op: 'removeTasks', query: { taskIds: ['t-1'] } }])
  await moveTo(node, good + 3)
  expect(await dataOf(liveStore(node))).toEqual(before)

  const { digest } = await node.digest()
  for (const bring of [replay, replayInBulk]) {
    const store = await emptyStore(node.log)
    await bring(node.log, store, {})
    expect((await stateOf(store)).digest).toBe(digest)
    await store.engine.kill()
  }
  const { node: restarted } = await memoryNode({ table, storeId, bodies })
  expect((await restarted.digest()).digest).toBe(digest)
  const there = await storeAt(node, good)
  expect(await dataOf(there)).toEqual(wanted)
  await there.engine.kill()
})
