import { afterAll, expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { jobKey, quota } from '../support/records.ts'
import { as, LARGE_BATCHES, request, saveQuota, saveTask, setStatus } from '../support/requests.ts'
import { entriesOf } from '../support/state.ts'
import { type Answer, READ_TOKEN, serveNode } from '../support/test-api.ts'
import { update, updateEvent } from '../support/update-records.ts'

/** Reads of earlier states over HTTP. */

const { node } = await memoryNode({ readers: 1, cleanup: afterAll })
const api = await serveNode(node, afterAll)

/** LSNs of three states of a task and a quota. */
const lsns: number[] = []
for (const [status, cpus] of [
  ['PENDING', 1],
  ['ASSIGNED', 2],
  ['RUNNING', 3],
] as const) {
  const operations = lsns.length === 0 ? [saveTask('t-1')] : [setStatus('t-1', status)]
  lsns.push((await api.transact([...operations, saveQuota('www', cpus)])).body.lsn)
}
const [first, second, third] = lsns as [number, number, number]

const shown = ({ status, headers, body }: Answer) => [status, Number(headers.get('boreal-lsn')), body.status]

test('every kind of read shows the state at an LSN, and says which', { timeout: 60_000 }, async () => {
  const reader = api.as(READ_TOKEN)
  expect(shown(await reader.get(`/v1/tasks/t-1?asOfLsn=${first}`))).toEqual([200, first, 'PENDING'])
  expect(shown(await reader.get(`/v1/tasks/t-1?asOfLsn=${second}`))).toEqual([200, second, 'ASSIGNED'])
  expect(shown(await reader.get('/v1/tasks/t-1'))).toEqual([200, third, 'RUNNING'])
  expect((await reader.get('/v1/tasks/t-1?asOfLsn=0')).body.code).toBe('not_found')
  const { items } = (await reader.get(`/v1/tasks?status=ASSIGNED&asOfLsn=${second}`)).body
  expect(items).toHaveLength(1)
  expect((await reader.get(`/v1/jobs?asOfLsn=${second}&limit=1`)).body.items).toMatchObject([
    { tasks: { ASSIGNED: 1 } },
  ])
  const sql = { sql: 'select status from task where task_id = $1', params: ['t-1'] }
  const { body: queried } = await reader.send('POST', `/v1/query?asOfLsn=${second}`, sql)
  expect(queried).toMatchObject({ lsn: second, rows: [{ status: 'ASSIGNED' }] })
  const reads = { reads: [{ path: '/v1/tasks/t-1' }, { path: '/v1/quotas/www' }] }
  const many = await reader.send('POST', `/v1/reads?asOfLsn=${second}`, reads)
  expect(many.body).toMatchObject({
    lsn: second,
    answers: [{ body: { status: 'ASSIGNED' } }, { body: { version: second } }],
  })
  expect(many.headers.get('boreal-lsn')).toBe(String(second))
})

test('preconditions are checked on the earlier state; operations go with the present alone', async () => {
  const reads = (version: number) => ({
    reads: [{ path: '/v1/tasks/t-1' }],
    preconditions: [{ entity: 'task', key: 't-1', version }],
  })
  expect((await api.send('POST', `/v1/reads?asOfLsn=${second}`, reads(second))).status).toBe(200)
  expect((await api.send('POST', `/v1/reads?asOfLsn=${second}`, reads(third))).body.code).toBe('precondition_failed')
  const operations = { reads: [], operations: [{ op: 'saveQuota', role: 'x', quota: quota(1) }] }
  expect((await api.send('POST', `/v1/reads?asOfLsn=${second}`, operations)).body.code).toBe('invalid_field')
  const inside = { reads: [{ path: `/v1/tasks/t-1?asOfLsn=${first}` }] }
  const { body } = await api.send('POST', '/v1/reads', inside)
  expect(body.answers).toMatchObject([{ status: 400, body: { code: 'invalid_field' } }])
})

test('a time is that of the last entry before it', async () => {
  const { time } = (await api.get(`/v1/log/${second}`)).body
  const { time: next } = (await api.get(`/v1/log/${third}`)).body
  const expected = next === time ? third : second
  for (const form of [
    String(time),
    new Date(time).toISOString(),
    new Date(time).toISOString().replace('Z', '%2B00:00'),
  ]) {
    const { headers } = await api.get(`/v1/tasks/t-1?asOfTime=${form}`)
    expect(headers.get('boreal-lsn'), form).toBe(String(expected))
  }
  expect(shown(await api.get('/v1/tasks/t-1?asOfTime=-0s'))).toEqual([200, third, 'RUNNING'])
})

test('pages of an earlier state go on in it', async () => {
  const tasks = ['a', 'b', 'c', 'd'].map((id) => saveTask(id))
  const { lsn } = (await api.transact(tasks)).body
  await api.transact([{ op: 'removeTasks', taskIds: ['b', 'c'] }])
  const items = await api.list(`/v1/tasks?limit=1&asOfLsn=${lsn}`)
  expect(items.map((item) => item.assignedTask.taskId)).toEqual(['a', 'b', 'c', 'd', 't-1'])
})

test('texts of large records are those of the state, also inside an entry', { timeout: 60_000 }, async () => {
  const { node, events } = await memoryNode({ readers: 1, queue: LARGE_BATCHES })
  const other = await serveNode(node)
  const key = { job: jobKey, id: 'u-1' }
  const event = (id: string) => ({ op: 'saveJobUpdateEvent', key, event: updateEvent('ROLLING_FORWARD', 5, { id }) })
  const { lsn: saved } = (await other.transact([{ op: 'saveJobUpdate', jobUpdate: update(key) }])).body
  // While another entry is on its way they gather, and some become one entry.
  let all: Promise<unknown> | undefined
  events.onPut = async (_item, put) => {
    all ??= Promise.all(['a', 'b', 'c', 'd'].map((id) => node.submit(request([event(id)]), as('p'))))
    await new Promise((resolve) => setTimeout(resolve, 100))
    return put()
  }
  await other.transact([saveQuota('x')])
  await all
  const path = '/v1/job-updates/www/prod/hello/u-1'
  const eventsAt = async (query: string) => (await other.get(path + query)).body.updateEvents.length as number
  const now = await eventsAt('')
  const { lsn, transactions } = (await entriesOf(node.log)).findLast(({ transactions }) => transactions.length > 1)!
  // Nothing was changed behind it, so its version is what is kept.
  expect(lsn).toBe(node.tailLsn)
  expect(await eventsAt(`?asOfLsn=${lsn}.0`)).toBe(now - transactions.length + 1)
  expect(await eventsAt(`?asOfLsn=${saved}`)).toBe(now - 4)
  expect(await eventsAt(`?asOfLsn=${lsn}`)).toBe(now)
  expect(await eventsAt('')).toBe(now)
})
