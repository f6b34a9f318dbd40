import { expect, test } from 'vitest'
import { frameKey } from '../../lib/log/keys.ts'
import { replay, replayUnread } from '../../lib/replica/replay.ts'
import { textOf } from '../../lib/store/result-set.ts'
import { statement } from '../../lib/store/statement.ts'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { dataOf, liveStore, moveTo, storeAt } from '../support/difference.ts'
import { memoryNode } from '../support/memory-node.ts'
import { config, task } from '../support/records.ts'
import { request } from '../support/requests.ts'
import { withFlippedBit } from '../support/snapshots.ts'
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

/** What a large entry writes, it may write without them. */
const INDEXES = statement(`select string_agg(indexdef, ' ' order by indexdef) from pg_indexes where tablename = 'task'`)

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
  const indexes = textOf((await liveStore(node).read([INDEXES]))[0]!.rows[0]![0])
  expect(indexes!.split('CREATE')).toHaveLength(7)
  for (const bring of [replay, replayUnread]) {
    const store = await emptyStore(node.log)
    await bring(node.log, store, { upTo: node.tailLsn, inBulk: true })
    expect((await stateOf(store)).digest).toBe(digest)
    expect(textOf((await store.run([INDEXES]))[0]!.rows[0]![0])).toBe(indexes)
    await store.engine.kill()
  }
  const { node: restarted } = await memoryNode({ table, storeId, bodies })
  expect((await restarted.digest()).digest).toBe(digest)
  const there = await storeAt(node, good)
  expect(await dataOf(there)).toEqual(wanted)
  await there.engine.kill()
})

test('no read sees a part of it', { timeout: 300_000 }, async () => {
  const boot = (image: Parameters<typeof ThreadEngine.boot>[0]) => ThreadEngine.boot(image, undefined, 'writer-thread')
  const { node } = await memoryNode({ readers: 2, boot, frameRows: 100, readTimeoutMs: 60_000 })
  await node.submit(request([tasks('PENDING', 0, 3_000)]), { principal: 'p' })
  await node.submit(request([all]), { principal: 'p' })
  const counts = [{ sql: `select string_agg(distinct status, ' ') from task`, params: [] }]
  const seen: { level: string; statuses: string; lsn: number }[] = []
  let reading = true
  const look = async (level: 'weak' | 'consistent') => {
    while (reading) {
      const { results, lsn } = await node.read(counts, { level })
      seen.push({ level, statuses: results[0]!.rows[0]![0]!.toString(), lsn })
    }
  }
  const looking = [look('weak'), look('consistent'), look('consistent')]
  const { lsn } = await moveTo(node, 1)
  await node.read(counts, { level: 'minLsn', lsn })
  reading = false
  await Promise.all(looking)
  for (const each of seen) expect(each.statuses, `LSN ${each.lsn}`).toBe(each.lsn === 2 ? 'FAILED' : 'PENDING')
  expect(lsn).toBe(3)
  expect(seen.some((each) => each.lsn < lsn)).toBe(true)
})

test('a frame that was changed, or is gone, is found, and nothing of its entry is applied', {
  timeout: 120_000,
}, async () => {
  const { node, bodies } = await memoryNode({ frameRows: 2 })
  await node.submit(request([tasks('PENDING', 0, 9)]), { principal: 'p' })
  await node.submit(request([all]), { principal: 'p' })
  const { lsn } = await moveTo(node, 1)
  const entry = (await node.log.entry(lsn))!
  const { bodyKey, frames } = entry.framed!
  const key = frameKey(bodyKey, frames.length - 1)
  const bytes = await bodies.get(key)
  const refused = async () => {
    const store = await emptyStore(node.log)
    await expect(replay(node.log, store, {})).rejects.toMatchObject({ code: 'log_corrupt', lsn })
    expect(store.mark.lsn).toBe(lsn - 1)
    const results = await store.run([{ sql: `select count(*) from task where status = 'PENDING'`, params: [] }])
    expect(results[0]!.rows[0]![0]!.toString()).toBe('0')
    await store.engine.kill()
  }
  await bodies.put(key, withFlippedBit(bytes, 77))
  await refused()
  await bodies.delete(key)
  await refused()
  await bodies.put(key, bytes)
  const store = await emptyStore(node.log)
  await replay(node.log, store, {})
  expect(store.mark.lsn).toBe(lsn)
  await store.engine.kill()
})
