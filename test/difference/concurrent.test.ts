import { expect, test } from 'vitest'
import type { BorealNode } from '../../lib/node/node.ts'
import { replay } from '../../lib/replica/replay.ts'
import { dataOf, liveStore, moveTo, storeAt } from '../support/difference.ts'
import { memoryNode } from '../support/memory-node.ts'
import { jobConfig, request, saveQuota, saveTask } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'
import { emptyStore, entriesOf, stateOf } from '../support/state.ts'

/** Others write while the store is moved. */

const as = { principal: 'p' }

/** Operations that touch each other's configs, jobs and updates. */
function operations(client: number, round: number): unknown[] {
  const name = `t-${client}-${round % 5}`
  const job = { role: `r${client}`, environment: 'prod', name: `j${round % 3}` }
  const key = { job, id: 'u' }
  const instances = [{ first: 0, last: 0 }]
  switch (round % 6) {
    case 0:
      return [saveTask(name, { task: jobConfig(job.role, job.name) })]
    case 1:
      return [{ op: 'mutateTasks', query: { role: job.role }, patch: { status: 'RUNNING' } }]
    case 2:
      return [
        { op: 'removeJobUpdates', keys: [key] },
        {
          op: 'saveJobUpdate',
          jobUpdate: {
            summary: { key, user: 'ann' },
            instructions: { initialState: [], desiredState: { task: jobConfig(job.role, `j${round % 4}`), instances } },
          },
        },
      ]
    case 3:
      return [
        {
          op: 'saveJobUpdateEvent',
          key: { job: { ...job, name: 'j2' }, id: 'u' },
          event: { status: 'ROLLING_FORWARD', timestampMs: round },
        },
      ]
    case 4:
      return [{ op: 'removeTasks', query: { role: job.role, statuses: ['RUNNING'] } }]
    default:
      return [saveQuota(job.role, round)]
  }
}

/** Clients that write until they are told to stop; gives the LSN of everything that was acknowledged. */
function writers(node: BorealNode, count: number) {
  let stopped = false
  const acknowledged: { lsn: number; taskId?: string }[] = []
  const running = Array.from({ length: count }, async (_, client) => {
    for (let round = 0; !stopped; round++) {
      await node.submit(request(operations(client, round)), as).then(
        ({ lsn }) => acknowledged.push({ lsn }),
        () => undefined,
      )
      const taskId = `only-${client}-${round}`
      const { lsn } = await node.submit(request([saveTask(taskId)]), as)
      acknowledged.push({ lsn, taskId })
    }
  })
  const stop = async () => {
    stopped = true
    await Promise.all(running)
    return acknowledged
  }
  return { acknowledged, stop }
}

test.each([undefined, 3])(
  'nothing acknowledged is lost: what came before is moved back, what came after is there (frames of %s rows)',
  { timeout: 300_000 },
  async (frameRows) => {
    const { node } = await memoryNode(frameRows === undefined ? {} : { frameRows })
    const { stop, acknowledged } = writers(node, 4)
    while (acknowledged.length < 60) await new Promise((resolve) => setTimeout(resolve, 5))
    const target = Math.floor(node.tailLsn / 2)
    const outcome = await moveTo(node, target)
    const second = await moveTo(node, outcome.lsn - 1)
    await stop()

    const past = await storeAt(node, target)
    const wanted = await dataOf(past)
    await past.engine.kill()
    for (const [lsn, data] of [[outcome.lsn, wanted]] as const) {
      const there = await storeAt(node, lsn)
      expect(await dataOf(there)).toEqual(data)
      await there.engine.kill()
    }
    // The other way: that of the entry before the first one.
    const [before, after] = [await storeAt(node, outcome.lsn - 1), await storeAt(node, second.lsn)]
    expect(await dataOf(after)).toEqual(await dataOf(before))
    await Promise.all([before.engine.kill(), after.engine.kill()])

    const { results } = await node.read([{ sql: 'select json_agg(task_id) from task', params: [] }], {
      level: 'consistent',
    })
    const present = new Set<string>(JSON.parse(results[0]!.rows[0]![0]!.toString()))
    const later = acknowledged.filter(({ lsn, taskId }) => lsn > second.lsn && taskId !== undefined)
    expect(later.length).toBeGreaterThan(0)
    expect(later.filter(({ taskId }) => !present.has(taskId!))).toEqual([])
    const rebuilt = await emptyStore(node.log)
    await replay(node.log, rebuilt, {})
    expect((await stateOf(rebuilt)).digest).toBe((await node.digest()).digest)
    await rebuilt.engine.kill()
  },
)

test('it is decided again when another node wins its slot', { timeout: 120_000 }, async () => {
  const bed = await memoryNode()
  const { node, events } = bed
  const { node: other } = await memoryNode({ table: bed.table, storeId: bed.storeId })
  await node.submit(request([saveTask('a')]), as)
  await node.submit(request([saveTask('b')]), as)
  await other.confirm()
  events.onPut = async (_item, put) => {
    events.onPut = undefined
    await other.submit(request([saveTask('c'), { op: 'removeTasks', query: { taskIds: ['a'] } }]), as)
    return put()
  }
  const outcome = await moveTo(node, 1)
  expect(outcome).toMatchObject({ made: true, lsn: 4 })
  const past = await storeAt(node, 1)
  expect(await dataOf(liveStore(other))).toEqual(await dataOf(past))
  await past.engine.kill()
})

test('two at once are one after the other', { timeout: 120_000 }, async () => {
  const { node } = await memoryNode()
  for (const name of ['a', 'b', 'c', 'd']) await node.submit(request([saveTask(name)]), as)
  const outcomes = await Promise.all([moveTo(node, 1), moveTo(node, 3)])
  for (const [index, { lsn }] of outcomes.entries()) {
    const [there, past] = [await storeAt(node, lsn), await storeAt(node, [1, 3][index]!)]
    expect(await dataOf(there)).toEqual(await dataOf(past))
    await Promise.all([there.engine.kill(), past.engine.kill()])
  }
})

test('transactions wait for it, and an entry of unknown outcome is seen to its end', { timeout: 120_000 }, async () => {
  const { node, events } = await memoryNode()
  await node.submit(request([saveTask('a')]), as)
  await node.submit(request([saveTask('b')]), as)
  const [reached, held] = [gate(), gate()]
  events.onPut = async (_item, put) => {
    events.onPut = undefined
    reached.open()
    await held.opened
    await put()
    return { kind: 'unknown', error: new Error('no answer') }
  }
  const moving = moveTo(node, 1)
  await reached.opened
  const next = node.submit(request([saveTask('c')]), as)
  held.open()
  expect(await moving).toMatchObject({ made: true, lsn: 3 })
  expect((await next).lsn).toBe(4)
  expect(await entriesOf(node.log)).toHaveLength(4)
})
