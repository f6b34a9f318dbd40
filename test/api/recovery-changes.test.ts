import { expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { saveQuota, saveTask, setStatus } from '../support/requests.ts'
import { serveNode, WRITE_TOKEN } from '../support/test-api.ts'

/** What can be done with a recovery: compare, edit, commit. */

test('a recovery is compared with the live store, edited, and committed as one entry', {
  timeout: 120_000,
}, async () => {
  const { node } = await memoryNode()
  const api = await serveNode(node)
  await api.transact([saveTask('a'), saveTask('b'), saveTask('c'), saveQuota('www', 3)])
  await api.transact([setStatus('a', 'FAILED'), { op: 'removeTasks', query: { taskIds: ['b'] } }, saveTask('d')])
  const { id } = (await api.send('POST', '/v1/recoveries', { target: { lsn: 1 } })).body
  const path = `/v1/recoveries/${id}`

  const { body: summary } = await api.get(`${path}/diff`)
  expect(summary).toMatchObject({ lsn: 2, difference: { rows: 3 } })
  const first = await api.get(`${path}/diff?entity=task&limit=2`)
  expect(first.body.items.map(({ key, change }: { key: string; change: string }) => [key, change])).toEqual([
    ['a', 'changed'],
    ['b', 'added'],
  ])
  expect(first.body.items[0]).toMatchObject({ live: { status: 'FAILED' }, target: { status: 'PENDING' } })
  const second = await api.get(`${path}/diff?entity=task&limit=2&after=${first.body.nextCursor}`)
  expect(second.body).toMatchObject({ items: [{ key: 'd', change: 'removed' }] })
  expect(second.body.nextCursor).toBeUndefined()

  const edit = { operations: [{ op: 'removeTasks', query: { taskIds: ['c'] } }, saveTask('e')] }
  expect((await api.send('POST', `${path}/edits`, edit)).body).toEqual({ id, edits: 1 })
  const refused = {
    operations: [
      {
        op: 'saveJobUpdateEvent',
        key: { job: { role: 'x', environment: 'y', name: 'z' }, id: 'u' },
        event: { status: 'ROLLED_BACK', timestampMs: 1 },
      },
    ],
  }
  expect((await api.send('POST', `${path}/edits`, refused)).status).toBe(422)
  expect((await api.get(path)).body.edits).toBe(1)
  const tasks = await api.list(`/v1/tasks?recovery=${id}`)
  expect(tasks.map((each) => each.assignedTask.taskId)).toEqual(['a', 'b', 'e'])

  expect((await api.send('POST', `${path}/commit`, {})).body.code).toBe('confirmation_required')
  const dry = await api.send('POST', `${path}/commit`, { dryRun: true })
  expect(dry.body.difference.entities).toMatchObject([{ entity: 'task', added: 2, changed: 1, removed: 2 }])
  expect(node.tailLsn).toBe(2)
  const confirm = { confirm: dry.body.difference.digest }
  const done = await api.send('POST', `${path}/commit`, confirm, { 'idempotency-key': 'k' })
  expect(done).toMatchObject({ status: 200, body: { made: true, lsn: 3 } })
  const live = await api.list('/v1/tasks')
  expect(live.map((each) => [each.assignedTask.taskId, each.status])).toEqual([
    ['a', 'PENDING'],
    ['b', 'PENDING'],
    ['e', 'PENDING'],
  ])
  expect((await api.get(path)).body).toMatchObject({ state: 'committed', committed: { lsn: 3 } })
  const again = await api.send('POST', `${path}/commit`, confirm, { 'idempotency-key': 'k' })
  expect(again.body).toEqual(done.body)
  expect((await api.send('POST', `${path}/commit`, { confirm: node.storeId })).status).toBe(409)
  expect((await api.send('POST', `${path}/edits`, edit)).status).toBe(409)
  expect(node.tailLsn).toBe(3)
})

test('refuses what is no entity, no recovery, and who is no admin', { timeout: 60_000 }, async () => {
  const { node } = await memoryNode()
  const api = await serveNode(node)
  await api.transact([saveTask('a')])
  const { id } = (await api.send('POST', '/v1/recoveries', { target: { lsn: 0 } })).body
  expect((await api.get(`/v1/recoveries/${id}/diff?entity=nothing`)).status).toBe(400)
  expect((await api.get(`/v1/recoveries/nobody/diff`)).status).toBe(404)
  expect((await api.send('POST', `/v1/recoveries/nobody/commit`, { confirm: node.storeId })).status).toBe(404)
  expect((await api.send('POST', `/v1/recoveries/${id}/edits`, { operations: [] })).status).toBe(400)
  expect((await api.as(WRITE_TOKEN).get(`/v1/recoveries/${id}/diff`)).status).toBe(403)
  expect((await api.as(WRITE_TOKEN).send('POST', `/v1/recoveries/${id}/commit`, {})).status).toBe(403)
})

test('two recoveries committed at once with one key are two requests: the second is refused', {
  timeout: 120_000,
}, async () => {
  const { node } = await memoryNode()
  const api = await serveNode(node)
  await api.transact([saveTask('a')])
  await api.transact([saveTask('b')])
  await api.transact([saveTask('c')])
  const staged = (lsn: number) => api.send('POST', '/v1/recoveries', { target: { lsn } })
  const ids = [(await staged(1)).body.id, (await staged(2)).body.id]
  const commit = (id: string) =>
    api.send('POST', `/v1/recoveries/${id}/commit`, { confirm: node.storeId }, { 'idempotency-key': 'k' })
  const answers = await Promise.all(ids.map(commit))
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 422])
  expect(answers.find(({ status }) => status === 422)!.body.code).toBe('idempotency_key_reused')
  expect(node.tailLsn).toBe(4)
})
