import { expect, test } from 'vitest'
import { MemoryLease } from '../../lib/log/memory-lease.ts'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { messageOf } from '../../lib/model/errors.ts'
import type { Leadership } from '../../lib/node/node.ts'
import { memoryNode, type TestNode } from '../support/memory-node.ts'
import { saveQuota } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'
import { freePort } from '../support/server-process.ts'
import { serveNode, type TestApi, WRITE_TOKEN } from '../support/test-api.ts'

interface Served extends TestNode {
  api: TestApi
  leadership: Leadership
}

/** Two nodes of one store in this process; the first one leads. */
async function pair(): Promise<{ leader: Served; standby: Served; table: MemoryTable }> {
  const table = new MemoryTable()
  const serve = async (): Promise<Served> => {
    const port = await freePort()
    const lease = { leases: new MemoryLease(table), endpoint: `http://127.0.0.1:${port}` }
    const node = await memoryNode({ table, lease })
    return { ...node, api: await serveNode(node.node, undefined, port), leadership: node.node.leadership! }
  }
  return { table, leader: await serve(), standby: await serve() }
}

const writersOf = (table: MemoryTable) => [...table.slots.values()].slice(1).map(({ writer }) => writer)

test('says who leads, at both nodes', async () => {
  const { leader, standby } = await pair()
  const [a, b] = [(await leader.api.get('/v1/status')).body, (await standby.api.get('/v1/status')).body]
  expect(a).toMatchObject({
    role: 'leader',
    writerTerm: 1,
    leader: { endpoint: leader.api.url, writer: a.writer, term: 1 },
  })
  expect(b).toMatchObject({
    role: 'follower',
    writerTerm: 1,
    leader: { endpoint: leader.api.url, writer: a.writer, term: 1 },
  })
  expect(b.lag).toEqual({ entries: 0, ms: expect.any(Number) })
})

test('passes a transaction on to the leader, with its key, and the answer back as it is', async () => {
  const { leader, standby, table } = await pair()
  const written = await standby.api.as(WRITE_TOKEN).transact([saveQuota('www', 1)], { key: 'a-key' })
  expect(written).toMatchObject({ status: 200, body: { lsn: 1, results: [{ op: 'saveQuota', affected: 1 }] } })
  expect(written.headers.get('idempotency-key')).toBe('a-key')
  expect(written.headers.get('boreal-lsn')).toBe('1')
  expect(writersOf(table)).toEqual([leader.node.log.writer])
  // A retry at either node is the same transaction of the same principal.
  for (const { api } of [leader, standby]) {
    const again = await api.as(WRITE_TOKEN).transact([saveQuota('www', 1)], { key: 'a-key' })
    expect(again.body).toEqual(written.body)
  }
  const refused = await standby.api.transact([saveQuota('www', 2)], {
    preconditions: [{ entity: 'quota', key: 'www', absent: true }],
  })
  expect(refused).toMatchObject({ status: 409, body: { code: 'precondition_failed', failed: [{ index: 0 }] } })
  expect(refused.headers.get('content-type')).toBe('application/problem+json')
  expect(refused.headers.get('boreal-store')).toBe(leader.storeId)
})

test('makes a key where the client has sent none, so that it may be sent again', async () => {
  const { standby, leader } = await pair()
  const { headers, body } = await standby.api.transact([saveQuota('www', 1)])
  const key = headers.get('idempotency-key')!
  expect((await leader.api.get(`/v1/transactions/${key}`)).body).toMatchObject({ state: 'committed', lsn: body.lsn })
})

test('a request is passed on once', async () => {
  const { standby } = await pair()
  const body = { operations: [saveQuota('www', 1)] }
  const answer = await standby.api.send('POST', '/v1/transactions', body, { 'boreal-forwarded': '1' })
  expect(answer).toMatchObject({ status: 503, body: { code: 'not_leader' } })
  expect(answer.headers.get('retry-after')).toBe('1')
})

test('whoever may not write is not passed on', async () => {
  const { standby } = await pair()
  expect((await standby.api.as('nobody').transact([saveQuota('www', 1)])).status).toBe(401)
})

test('reads are answered by the node that is asked, and include what the leader has acknowledged', async () => {
  const { leader, standby } = await pair()
  await leader.api.transact([saveQuota('www', 3)])
  expect((await standby.api.get('/v1/quotas/www')).body).toMatchObject({ role: 'www', version: 1 })
})

test('while nobody leads a write waits for a moment, and is refused with what to do', async () => {
  const { leader, standby, table } = await pair()
  await standby.leadership.stop()
  await leader.node.handOver()
  expect(table.lease).toMatchObject({ holder: '', term: 1 })
  const answer = await leader.api.transact([saveQuota('www', 1)])
  expect(answer).toMatchObject({ status: 503, body: { code: 'not_ready' } })
  expect(answer.body.detail).toMatch(/no node leads/)
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(writersOf(table)).toEqual([])
})

test('after a handover the old leader passes on what it is asked for', async () => {
  const { leader, standby, table } = await pair()
  await leader.api.transact([saveQuota('www', 1)])
  const writes = Promise.all(Array.from({ length: 20 }, (_, index) => leader.api.transact([saveQuota(`r${index}`, 1)])))
  await leader.node.handOver()
  expect(new Set((await writes).map(({ status }) => status))).toEqual(new Set([200]))
  expect((await leader.api.transact([saveQuota('www', 2)])).status).toBe(200)
  expect((await leader.api.get('/v1/status')).body).toMatchObject({ role: 'follower', writerTerm: 2 })
  expect((await standby.api.get('/v1/status')).body).toMatchObject({ role: 'leader', writerTerm: 2 })
  expect(writersOf(table).at(-1)).toBe(standby.node.log.writer)
})

test('what a deposed leader could not append goes to the one that leads now, once', async () => {
  const { leader, standby, table } = await pair()
  // Its put is held up, until the other one leads and has written.
  const held = gate()
  const reached = gate()
  leader.events.onPut = async (_, put) => {
    leader.events.onPut = undefined
    reached.open()
    await held.opened
    return put()
  }
  const write = leader.api.transact([saveQuota('www', 1)], { key: 'in-flight' })
  await reached.opened
  const { lease } = table
  table.lease = { ...lease!, holder: standby.node.log.writer, endpoint: standby.api.url, term: 2 }
  await expect
    .poll(() => [leader.leadership.leads, standby.leadership.leads], { timeout: 10_000 })
    .toEqual([false, true])
  await standby.api.transact([saveQuota('other', 1)])
  held.open()
  expect((await write).status).toBe(200)
  expect(writersOf(table)).toEqual([standby.node.log.writer, standby.node.log.writer])
  const found = await leader.api.get('/v1/transactions/in-flight')
  expect(found.body).toMatchObject({ state: 'committed', lsn: 2 })
})

test('work that takes long is found from either node', async () => {
  const { leader, standby } = await pair()
  const operation = await leader.node.operations.run('backtrack', 0, async () => ({ done: true }))
  expect((await standby.api.get(`/v1/operations/${operation.id}`)).body).toMatchObject({ id: operation.id })
  expect((await standby.api.get('/v1/operations/none')).status).toBe(404)
})

test('history is pruned, and jobs run by themselves, at the leader alone', async () => {
  const { leader, standby } = await pair()
  expect([leader.node.onDuty, standby.node.onDuty]).toEqual([true, false])
  const pruned = standby.node.submit({ operations: [] } as never, { principal: 'boreal' })
  expect(await pruned.catch(messageOf)).toMatch(/does not hold the writer lease/)
})
