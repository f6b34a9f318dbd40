import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { QUEUE_LIMITS } from '../../lib/writer/queue.ts'
import { memoryNode } from '../support/memory-node.ts'
import { task } from '../support/records.ts'
import { as, jobConfig, request, saveQuota, saveTask, setStatus } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'
import { entriesOf } from '../support/state.ts'

test('a full queue refuses at once, with a time to come back', async () => {
  const queue = { ...QUEUE_LIMITS, maxWaiting: 3, maxWaitingBytes: 1_000_000, maxBatch: 1, maxBatchBytes: 1_000_000 }
  const { node, events } = await memoryNode({ queue })
  const opened = gate()
  events.onPut = async (_item, put) => {
    await opened.opened
    return put()
  }
  const accepted = [node.submit(request([saveQuota('a')]), as('p'))]
  await expect.poll(() => events.puts).toBe(1)
  for (let index = 0; index < 3; index++) accepted.push(node.submit(request([saveQuota(`b${index}`)]), as('p')))
  await expect(node.submit(request([saveQuota('c')]), as('p'))).rejects.toMatchObject({
    code: 'overloaded',
    retryAfter: 1,
  })
  opened.open()
  expect((await Promise.all(accepted)).map(({ lsn }) => lsn)).toEqual([1, 2, 3, 4])
})

test('a transaction whose deadline passes while it waits is not carried out', async () => {
  const { node, events } = await memoryNode({ newLogFormat: 1 })
  const opened = gate()
  events.onPut = async (_item, put) => {
    await opened.opened
    return put()
  }
  const first = node.submit(request([saveQuota('a')]), as('p'))
  await expect.poll(() => events.puts).toBe(1)
  const late = node.submit(request([saveQuota('b')]), { ...as('p'), timeoutMs: 20 })
  await expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' })
  opened.open()
  await first
  expect((await entriesOf(node.log)).flatMap(({ transactions }) => transactions)).toHaveLength(1)
})

test('beyond the memory limit additions are refused, changes in place and removals go on, and room makes room', async () => {
  const { node } = await memoryNode({ storeLimitBytes: 1 })
  const tasks = Array.from({ length: 20 }, (_, index) => task(`t${index}`))
  await node.submit(request([{ op: 'saveTasks', tasks }]), as('p'))
  await expect.poll(async () => (await node.status()).storeFull, { timeout: 10_000 }).toBe(true)
  await expect(node.submit(request([saveTask('more')]), as('p'))).rejects.toMatchObject({
    code: 'store_full',
    status: 507,
  })
  await node.submit(request([setStatus('t1', 'RUNNING')]), as('p'))
  await node.submit(request([saveTask('swap'), { op: 'removeTasks', taskIds: ['t0'] }]), as('p'))
  await node.submit(request([{ op: 'removeTasks', taskIds: ['t2', 't3', 't4', 't5'] }]), as('p'))
  await expect.poll(async () => (await node.status()).storeFull, { timeout: 10_000 }).toBe(false)
  await node.submit(request([saveTask('more')]), as('p'))
})

test('a transaction changes at most 20,000 rows', async () => {
  const { node } = await memoryNode({ limits: { maxTasksPerJob: 1_000_000 } })
  const operations = Array.from({ length: 5 }, (_, part) => ({
    op: 'saveTasks',
    tasks: Array.from({ length: 4_001 }, (_, index) => task(`${part}-${index}`)),
  }))
  await expect(node.submit(request(operations), as('p'))).rejects.toMatchObject({ code: 'too_large' })
  expect(await entriesOf(node.log)).toHaveLength(0)
})

test('a mutation may name more tasks than there are, and more than a transaction may change', async () => {
  const { node } = await memoryNode()
  await node.submit(request([saveTask('there'), saveTask('other')]), as('p'))
  for (const count of [3, 20_001]) {
    const taskIds = ['there', ...Array.from({ length: count - 1 }, (_, index) => `missing-${index}`)]
    const { results } = await node.submit(
      request([{ op: 'mutateTasks', query: { taskIds }, patch: { failureCount: count } }]),
      as('p'),
    )
    expect(results).toEqual([{ op: 'mutateTasks', affected: 1, taskIds: ['there'] }])
  }
})

test('the body of an entry larger than an item goes through the object store', async () => {
  const { node, table, storeId } = await memoryNode()
  const tasks = Array.from({ length: 120 }, (_, index) => {
    const executorConfig = { name: 'x', data: randomBytes(6_000).toString('base64') }
    return task(`t${index}`, { task: { ...jobConfig('www', `job${index}`), executorConfig } })
  })
  await node.submit(request([{ op: 'saveTasks', tasks }]), as('p'))
  expect(table.slots.get(1)!.bodyKey).toMatch(new RegExp(`^${storeId}/bodies/0000000000000001-`))
  expect(table.slots.get(1)!.body).toBeUndefined()
  const [entry] = await entriesOf(node.log)
  expect(entry!.transactions[0]!.events[0]).toMatchObject({ event: 'tasksSaved' })
})
