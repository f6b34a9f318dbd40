import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BorealNode } from '../../lib/node/node.ts'
import { singleRecord } from '../../lib/store/read.ts'
import { taskById } from '../../lib/store/tasks.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { as, request, saveQuota, saveTask, setStatus } from '../support/requests.ts'
import { entriesOf } from '../support/state.ts'

async function taskOf(node: BorealNode, taskId: string) {
  const { results } = await node.read([taskById(taskId)], { level: 'consistent' })
  const record = singleRecord(results[0])
  return record === undefined ? undefined : JSON.parse(record)
}

test('whatever waits becomes one entry', async () => {
  const { node } = await memoryNode()
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => node.submit(request([saveTask(`t${index}`)]), as('p'))),
  )
  const entries = await entriesOf(node.log)
  expect(entries.length).toBeLessThan(5)
  expect(answers.every(({ lsn }) => lsn <= entries.length)).toBe(true)
})

test('a transaction that fails in the middle of a batch does not touch its neighbours', async () => {
  const { node } = await memoryNode()
  const [before, refused, after] = await Promise.allSettled([
    node.submit(request([saveTask('a')]), as('p')),
    node.submit(request([saveTask('b'), saveQuota('www')], [{ entity: 'task', key: 'nobody', exists: true }]), as('p')),
    node.submit(request([saveTask('c')]), as('p')),
  ])
  expect(before.status).toBe('fulfilled')
  expect(after.status).toBe('fulfilled')
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'precondition_failed' } })
  expect(await taskOf(node, 'a')).toBeDefined()
  expect(await taskOf(node, 'b')).toBeUndefined()
  expect(await taskOf(node, 'c')).toBeDefined()
})

test('two transactions of a batch that touch one row see each other in order', async () => {
  const { node } = await memoryNode()
  await node.submit(request([saveTask('t')]), as('p'))
  const claim = (host: string) =>
    node.submit(
      request(
        [{ op: 'mutateTasks', query: { taskIds: ['t'] }, patch: { status: 'ASSIGNED', slaveHost: host } }],
        [{ entity: 'task', key: 't', where: { status: 'PENDING' } }],
      ),
      as('p'),
    )
  const [first, second] = await Promise.allSettled([claim('h1'), claim('h2')])
  expect(first.status).toBe('fulfilled')
  expect(second).toMatchObject({
    reason: {
      code: 'precondition_failed',
      failed: [{ index: 0, expected: { where: { status: 'PENDING' } }, found: { status: 'ASSIGNED' } }],
    },
  })
  expect(await taskOf(node, 't')).toMatchObject({ assignedTask: { slaveHost: 'h1' }, status: 'ASSIGNED', version: 2 })
})

test('a query finds what transactions before it in the batch have changed', async () => {
  const { node } = await memoryNode()
  await node.submit(request([saveTask('old', { status: 'RUNNING' })]), as('p'))
  const [, , mutated] = await Promise.all([
    node.submit(request([saveTask('new', { status: 'RUNNING' })]), as('p')),
    node.submit(request([setStatus('old', 'FAILED')]), as('p')),
    node.submit(
      request([{ op: 'mutateTasks', query: { statuses: ['RUNNING'] }, patch: { failureCount: 1 } }]),
      as('p'),
    ),
  ])
  expect(mutated.results).toEqual([{ op: 'mutateTasks', affected: 1, taskIds: ['new'] }])
})

test('a condition on a scope sees what the batch before it has changed, and what only passed through', async () => {
  const { node } = await memoryNode()
  const { lsn } = await node.submit(request([saveTask('t', { slaveHost: 'h1' })]), as('p'))
  const moveTo = (slaveHost: string) =>
    node.submit(request([{ op: 'mutateTasks', query: { taskIds: ['t'] }, patch: { slaveHost } }]), as('p'))
  const ifUnchanged = (scope: object) =>
    node.submit(request([saveQuota('www')], [{ entity: 'task', scope, unchangedSince: lsn }]), as('p'))
  const scopes = [{ host: 'h1' }, { host: 'h2' }, { host: 'h3' }, { host: 'h4' }, { job: 'www/prod/hello' }, {}]
  const moves = Promise.all(['h2', 'h3', 'h4'].map(moveTo))
  const conditional = Promise.allSettled([...scopes, { host: 'h5' }].map(ifUnchanged))
  expect((await moves).map((answer) => answer.lsn)).toEqual([lsn + 1, lsn + 1, lsn + 1])
  const changed = { reason: { code: 'precondition_failed', failed: [{ found: { changed: lsn + 1 } }] } }
  expect(await conditional).toMatchObject([
    ...scopes.map(() => changed),
    { status: 'fulfilled', value: { lsn: lsn + 1 } },
  ])
})

test('rows that the database refuses fail the transaction that brought them, not the batch', async () => {
  const { node } = await memoryNode()
  const bad = request([saveTask('deep')])
  // No schema lets a NUL pass, so it is put in behind their back.
  Object.assign((bad.operations[0] as { tasks: object[] }).tasks[0]!, { ancestorId: 'a\u0000b' })
  const outcomes = await Promise.allSettled([
    node.submit(request([saveTask('a')]), as('p')),
    node.submit(bad, as('p')),
    node.submit(request([saveTask('b')]), as('p')),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await taskOf(node, 'a')).toBeDefined()
  expect(await taskOf(node, 'deep')).toBeUndefined()
})

test('deciding on the overlay gives what deciding one by one gives', { timeout: 120_000 }, async () => {
  const { node: together } = await memoryNode()
  const { node: alone } = await memoryNode()
  const strip = (outcome: PromiseSettledResult<{ results: unknown }>) =>
    outcome.status === 'fulfilled' ? outcome.value.results : outcome.reason.code
  await fc.assert(
    fc.asyncProperty(fc.array(randomTransaction, { minLength: 2, maxLength: 12 }), async (requests) => {
      const reset = request([{ op: 'removeTasks', query: { all: true } }])
      for (const node of [together, alone]) await node.submit(reset, as('p'))
      // Versions and LSNs differ, because a batch has one LSN; so conditions on LSNs are left out.
      const comparable = requests.map(({ operations, preconditions = [] }) => ({
        operations,
        preconditions: preconditions.filter((each) => each.unchangedSince === undefined),
      }))
      const batch = await Promise.allSettled(comparable.map((each) => together.submit(each, as('p'))))
      const single: PromiseSettledResult<{ results: unknown }>[] = []
      for (const each of comparable) single.push(...(await Promise.allSettled([alone.submit(each, as('p'))])))
      expect(batch.map(strip)).toEqual(single.map(strip))
      expect(await rows(together)).toEqual(await rows(alone))
    }),
    { numRuns: 60, seed: 99 },
  )
})

/** Everything but versions and times. */
async function rows(node: BorealNode): Promise<unknown> {
  const columns = 'task_id, job_id, instance_id, status, slave_host, config_id, failure_count, task_events::text'
  const { results } = await node.read(
    [
      { sql: `select ${columns} from task order by task_id`, params: [] },
      { sql: 'select role, num_cpus from quota order by role', params: [] },
      { sql: 'select host, mode from host order by host', params: [] },
      { sql: 'select job_id, pending, assigned, running, failed from job order by job_id', params: [] },
    ],
    { level: 'consistent' },
  )
  return results.map((result) => result.rows.map((cells) => cells.map((cell) => cell?.toString())))
}
