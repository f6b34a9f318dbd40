import { expect, test } from 'vitest'
import type { BorealNode, Consistency } from '../../lib/node/node.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota, saveTask } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'

const COUNT = [{ sql: 'select count(*) from task', params: [] }]

async function count(node: BorealNode, consistency: Consistency): Promise<{ lsn: number; tasks: number }> {
  const { lsn, results } = await node.read(COUNT, consistency)
  return { lsn, tasks: Number(results[0]!.rows[0]![0]!.toString()) }
}

for (const readers of [0, 1]) {
  test(`shows nothing that is not durable, at any level (${readers} readers)`, async () => {
    const { node, events } = await memoryNode({ readers })
    const held = gate()
    events.onPut = async (_item, put) => {
      await held.opened
      return put()
    }
    const pending = node.submit(request([saveTask('t')]), as('p'))
    await expect.poll(() => events.puts).toBe(1)
    expect(await count(node, { level: 'weak' })).toEqual({ lsn: 0, tasks: 0 })
    expect(await count(node, { level: 'consistent' })).toEqual({ lsn: 0, tasks: 0 })
    held.open()
    expect((await pending).lsn).toBe(1)
    expect(await count(node, { level: 'consistent' })).toEqual({ lsn: 1, tasks: 1 })
  })

  test(`a consistent read includes every write acknowledged before it, on any node (${readers} readers)`, async () => {
    const { node: one, table, storeId } = await memoryNode({ readers })
    const { node: other } = await memoryNode({ table, storeId, readers, pollMs: 3_600_000 })
    for (let index = 1; index <= 20; index++) {
      const writer = index % 2 === 0 ? one : other
      const reader = index % 2 === 0 ? other : one
      await writer.submit(request([saveTask(`t${index}`)]), as('p'))
      expect(await count(reader, { level: 'consistent' })).toEqual({ lsn: index, tasks: index })
    }
  })

  test(`minLsn waits for the place, and gives up at the deadline (${readers} readers)`, async () => {
    const { node: one, table, storeId } = await memoryNode({ readers })
    const { node: other } = await memoryNode({ table, storeId, readers, readTimeoutMs: 300, pollMs: 20 })
    const { lsn } = await one.submit(request([saveTask('t')]), as('p'))
    expect(await count(other, { level: 'minLsn', lsn })).toEqual({ lsn: 1, tasks: 1 })
    await expect(count(other, { level: 'minLsn', lsn: 99 })).rejects.toMatchObject({ code: 'lsn_not_reached' })
  })
}

test('a node that nobody writes to follows the log by itself', async () => {
  const { node: one, table, storeId } = await memoryNode()
  const { node: other } = await memoryNode({ table, storeId, pollMs: 10 })
  await one.submit(request([saveTask('t')]), as('p'))
  await expect.poll(async () => (await count(other, { level: 'weak' })).tasks).toBe(1)
})

test('one question to the log serves all reads that came before it was sent', async () => {
  const { node, events } = await memoryNode({ pollMs: 3_600_000 })
  let asked = 0
  events.onRead = () => {
    asked++
  }
  await Promise.all(Array.from({ length: 100 }, () => count(node, { level: 'consistent' })))
  expect(asked).toBeLessThanOrEqual(3)
})

test('an append that was started after a read arrived confirms the tail for it', async () => {
  const { node, events } = await memoryNode({ pollMs: 3_600_000 })
  const held = gate()
  let asked = 0
  events.onRead = () => {
    asked++
    if (asked === 1) throw new Error('the log cannot be read just now')
  }
  events.onPut = async (_item, put) => {
    await held.opened
    return put()
  }
  const first = count(node, { level: 'consistent' }).catch((error) => error.code)
  const second = count(node, { level: 'consistent' })
  const written = node.submit(request([saveQuota('www')]), as('p'))
  await expect.poll(() => events.puts).toBe(1)
  held.open()
  expect((await written).lsn).toBe(1)
  // The first question failed; whoever came after it was sent is served by the append or by the next question.
  expect(await first).toBe('log_unavailable')
  expect((await second).lsn).toBeLessThanOrEqual(1)
})

test('while the log is away weak reads go on and say how old they are, consistent ones fail', async () => {
  const { node, events } = await memoryNode({ pollMs: 3_600_000 })
  await node.submit(request([saveTask('t')]), as('p'))
  events.onRead = () => {
    throw new Error('away')
  }
  await expect(count(node, { level: 'consistent' })).rejects.toMatchObject({ code: 'log_unavailable', status: 503 })
  expect((await count(node, { level: 'weak' })).tasks).toBe(1)
  await expect.poll(async () => (await node.read([], { level: 'weak' })).ageMs).toBeGreaterThan(20)
  events.onRead = undefined
  await count(node, { level: 'consistent' })
})

test('a refusal is given only when the state it was decided on was the newest one', async () => {
  const { node: one, table, storeId } = await memoryNode({ pollMs: 3_600_000 })
  const { node: other } = await memoryNode({ table, storeId, pollMs: 3_600_000 })
  await one.submit(request([saveTask('t')]), as('p'))
  // `other` has not heard of the task. Had it answered from what it has, this would be refused.
  const conditional = request([saveQuota('www')], [{ entity: 'task', key: 't', exists: true }])
  expect((await other.submit(conditional, as('p'))).lsn).toBe(2)
  const removal = await one.submit(request([{ op: 'removeQuota', role: 'www' }]), as('p'))
  expect(removal.results).toEqual([{ op: 'removeQuota', affected: 1 }])
})

test('a damaged entry stops the store with its LSN; what is before it is still served', async () => {
  const { node: one, table, storeId } = await memoryNode()
  const { node: other } = await memoryNode({ table, storeId, pollMs: 3_600_000 })
  await one.submit(request([saveTask('a')]), as('p'))
  await count(other, { level: 'consistent' })
  await one.submit(request([saveTask('b')]), as('p'))
  const item = table.slots.get(2)!
  table.slots.set(2, { ...item, body: item.body!.map((byte, index) => (index === 5 ? byte ^ 1 : byte)) })
  await expect(count(other, { level: 'consistent' })).rejects.toMatchObject({ code: 'log_corrupt', lsn: 2 })
  await expect(other.submit(request([saveTask('c')]), as('p'))).rejects.toMatchObject({ code: 'log_corrupt', lsn: 2 })
  expect(await count(other, { level: 'weak' })).toEqual({ lsn: 1, tasks: 1 })
})
