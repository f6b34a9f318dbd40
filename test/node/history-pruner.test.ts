import { expect, test } from 'vitest'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { config, task } from '../support/records.ts'
import { as, request } from '../support/requests.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const job = (name: string) => ({ role: 'www', environment: 'prod', name })

async function nodeWithClock(history: object = {}) {
  const runtime = new ManualRuntime()
  const { node } = await memoryNode({ runtime, history: { intervalMs: 0, ...history } })
  const save = (name: string, ids: string[], status: 'RUNNING' | 'FINISHED' | 'LOST') =>
    node.submit(
      request([{ op: 'saveTasks', tasks: ids.map((id) => task(id, { status, task: config({ job: job(name) }) })) }]),
      as('p'),
    )
  const ids = async () => {
    const sql = 'select coalesce(json_agg(task_id order by task_id), $1::json) from task'
    const { results } = await node.read([{ sql, params: ['[]'] }], { level: 'consistent' })
    return JSON.parse(results[0]!.rows[0]![0]!.toString())
  }
  const updates = async () => {
    const sql = 'select coalesce(json_agg(update_id order by update_id), $1::json) from job_update'
    const { results } = await node.read([{ sql, params: ['[]'] }], { level: 'consistent' })
    return JSON.parse(results[0]!.rows[0]![0]!.toString())
  }
  const pass = (ms: number) => runtime.elapse({ wall: ms, monotonic: ms })
  return { node, save, ids, updates, pass }
}

test('terminal tasks go two days after their last change, active ones never', async () => {
  const { node, save, ids, pass } = await nodeWithClock()
  await save('a', ['done'], 'FINISHED')
  await save('a', ['lost'], 'LOST')
  await save('a', ['alive'], 'RUNNING')
  pass(47 * HOUR)
  expect(await node.prune()).toEqual({ tasks: 0, updates: 0 })
  await save('a', ['late'], 'FINISHED')
  pass(2 * HOUR)
  expect(await node.prune()).toEqual({ tasks: 2, updates: 0 })
  expect(await ids()).toEqual(['alive', 'late'])
})

test('a job keeps its newest terminal tasks, and all of them for an hour', async () => {
  const { node, save, ids, pass } = await nodeWithClock({ tasksPerJob: 3 })
  for (const index of [1, 2, 3, 4, 5]) {
    await save('a', [`a${index}`], 'FINISHED')
    pass(MINUTE)
  }
  await save('b', ['b1', 'b2', 'b3'], 'FINISHED')
  expect((await node.prune()).tasks).toBe(0)
  pass(HOUR)
  expect((await node.prune()).tasks).toBe(2)
  expect(await ids()).toEqual(['a3', 'a4', 'a5', 'b1', 'b2', 'b3'])
})

test('more than one transaction can hold is pruned in several', async () => {
  const { node, save, ids, pass } = await nodeWithClock()
  const many = Array.from({ length: 2_300 }, (_, index) => `t${index}`)
  await save('a', many, 'FINISHED')
  pass(49 * HOUR)
  expect((await node.prune()).tasks).toBe(2_300)
  expect(await ids()).toEqual([])
})

async function saveUpdate(
  node: Awaited<ReturnType<typeof nodeWithClock>>['node'],
  id: string,
  name: string,
  at: number,
  status: string,
) {
  const key = { job: job(name), id }
  const desiredState = { task: config({ job: job(name) }), instances: [{ first: 0, last: 0 }] }
  await node.submit(
    request([
      { op: 'saveJobUpdate', jobUpdate: { summary: { key, user: 'ann' }, instructions: { desiredState } } },
      { op: 'saveJobUpdateEvent', key, event: { status, timestampMs: at } },
    ]),
    as('p'),
  )
}

test('terminal updates go thirty days after they were created, or beyond the newest ten of their job', async () => {
  const { node, updates } = await nodeWithClock({ updatesPerJob: 2 })
  const now = Date.now()
  await saveUpdate(node, 'old', 'a', now - 31 * 24 * HOUR, 'ROLLED_FORWARD')
  await saveUpdate(node, 'old-and-going-on', 'a', now - 31 * 24 * HOUR, 'ROLL_FORWARD_PAUSED')
  for (const index of [1, 2, 3]) await saveUpdate(node, `b${index}`, 'b', now - 10 * HOUR + index, 'FAILED')
  await saveUpdate(node, 'b-active', 'b', now - 11 * HOUR, 'ROLLING_BACK')
  expect(await node.prune()).toEqual({ tasks: 0, updates: 2 })
  expect(await updates()).toEqual(['b-active', 'b2', 'b3', 'old-and-going-on'])
})

test('pruning goes on by itself', async () => {
  const { save, ids } = await nodeWithClock({ intervalMs: 20, taskRetentionMs: 0, taskMinRetentionMs: 0 })
  await save('a', ['alive'], 'RUNNING')
  await save('a', ['done'], 'FINISHED')
  await expect.poll(ids, { timeout: 10_000 }).toEqual(['alive'])
})
