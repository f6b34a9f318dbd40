import { expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { saveQuota, saveTask, setStatus } from '../support/requests.ts'
import { READ_TOKEN, serveNode, WRITE_TOKEN } from '../support/test-api.ts'

/** POST /v1/backtrack */

async function bed() {
  const { node } = await memoryNode()
  return { node, api: await serveNode(node) }
}

const statuses = async (api: Awaited<ReturnType<typeof bed>>['api']) =>
  Object.fromEntries((await api.list('/v1/tasks')).map((task) => [task.assignedTask.taskId, task.status]))

test('takes the store back to an LSN, says before what would change, and undoes it', { timeout: 60_000 }, async () => {
  const { node, api } = await bed()
  await api.transact([saveTask('a'), saveTask('b'), saveQuota('www', 3)])
  const good = node.tailLsn
  await api.transact([setStatus('a', 'FAILED'), { op: 'removeTasks', query: { taskIds: ['b'] } }, saveTask('c')])

  const dry = await api.send('POST', '/v1/backtrack', { target: good, dryRun: true })
  expect(dry.status).toBe(200)
  expect(dry.body.difference.entities).toEqual([
    { entity: 'task', added: 1, changed: 1, removed: 1, examples: { added: ['b'], changed: ['a'], removed: ['c'] } },
  ])
  expect(node.tailLsn).toBe(good + 1)

  const refused = await api.send('POST', '/v1/backtrack', { target: good })
  expect(refused).toMatchObject({ status: 409, body: { code: 'confirmation_required' } })
  const wrong = await api.send('POST', '/v1/backtrack', { target: good, confirm: 'yes' })
  expect(wrong).toMatchObject({ status: 409, body: { code: 'confirmation_required' } })
  expect(node.tailLsn).toBe(good + 1)

  const { digest } = dry.body.difference
  const done = await api.send('POST', '/v1/backtrack', { target: good, confirm: digest })
  expect(done).toMatchObject({ status: 200, body: { made: true, lsn: good + 2, point: { lsn: good } } })
  expect(await statuses(api)).toEqual({ a: 'PENDING', b: 'PENDING' })

  const again = await api.send('POST', '/v1/backtrack', { target: `${good}`, confirm: node.storeId })
  expect(again).toMatchObject({ status: 200, body: { made: false, lsn: good + 2 } })

  await api.transact([saveQuota('other', 1)])
  const undone = await api.send('POST', '/v1/backtrack', { undo: good + 2, confirm: node.storeId })
  expect(undone).toMatchObject({ status: 200, body: { made: true, lsn: good + 4 } })
  expect(await statuses(api)).toEqual({ a: 'FAILED', c: 'PENDING' })
  expect((await api.get('/v1/quotas/other')).status).toBe(200)
})

test('a retry gets the first answer and runs nothing, and so does one of a transaction that was moved back', {
  timeout: 60_000,
}, async () => {
  const { node, api } = await bed()
  await api.transact([saveTask('a')])
  const first = await api.transact([saveTask('b')], { key: 'k1' })
  const request = { target: 1, confirm: node.storeId }
  const done = await api.send('POST', '/v1/backtrack', request, { 'idempotency-key': 'back-1' })
  expect(done).toMatchObject({ status: 200, body: { made: true, lsn: 3 } })
  expect(await statuses(api)).toEqual({ a: 'PENDING' })

  expect((await api.transact([saveTask('b')], { key: 'k1' })).body).toEqual(first.body)
  await api.transact([saveTask('d')])
  const retried = await api.send('POST', '/v1/backtrack', request, { 'idempotency-key': 'back-1' })
  expect(retried.body).toEqual(done.body)
  expect(await statuses(api)).toEqual({ a: 'PENDING', d: 'PENDING' })
  expect(node.tailLsn).toBe(4)
  const other = await api.send('POST', '/v1/backtrack', { ...request, target: 2 }, { 'idempotency-key': 'back-1' })
  expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } })
})

test('refuses what is no target, and who is no admin', { timeout: 60_000 }, async () => {
  const { node, api } = await bed()
  await api.transact([saveTask('a')])
  const bodies = [
    {},
    { target: 1, undo: 1 },
    { target: 'yesterday' },
    { target: -1 },
    { target: 9 },
    { undo: 0 },
    { undo: 5 },
  ]
  for (const body of bodies) {
    const { status } = await api.send('POST', '/v1/backtrack', { ...body, confirm: node.storeId })
    expect(status, JSON.stringify(body)).toBe(400)
  }
  for (const token of [READ_TOKEN, WRITE_TOKEN]) {
    const { status } = await api.as(token).send('POST', '/v1/backtrack', { target: 0, dryRun: true })
    expect(status).toBe(403)
  }
  expect(node.tailLsn).toBe(1)
})
