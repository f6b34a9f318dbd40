import { expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { READ_TOKEN, serveNode, WRITE_TOKEN } from '../support/test-api.ts'

const SLOW = 'select pg_sleep(0.01)'

/** However slow the machine is, nothing of this is about time. */
const PATIENT = { readTimeoutMs: 120_000, queryTimeoutMs: 60_000 }

test.each([
  ['queries', 'POST', '/v1/query', { sql: 'select 1 as one' }],
  ['typed reads', 'GET', '/v1/tasks?consistency=weak', undefined],
  ['lists of reads', 'POST', '/v1/reads?consistency=weak', { reads: [{ path: '/v1/tasks' }] }],
])(
  'one client with hundreds of waiting reads does not keep others waiting: %s',
  { timeout: 120_000 },
  async (_what, method, path, body) => {
    const { node } = await memoryNode({ readers: 1, ...PATIENT })
    const api = await serveNode(node)
    let answered = 0
    const slow = () => node.query({ sql: SLOW, params: [] }, 1, { level: 'weak' }, 'reader').then(() => answered++)
    const reads = Array.from({ length: 150 }, slow)
    // All of them are there: some with the reader, the rest waiting.
    await expect.poll(() => answered, { timeout: 30_000 }).toBeGreaterThan(3)
    const before = answered
    for (let turn = 0; turn < 2; turn++) {
      expect((await api.as(WRITE_TOKEN).send(method, path, body)).status).toBe(200)
    }
    // Each of the two waited for what the reader had already been given, and for nothing of what was waiting.
    expect(answered - before).toBeLessThan(60)
    // It is for the client that they wait: one more of the same goes to the end.
    expect((await api.as(READ_TOKEN).send(method, path, body)).status).toBe(200)
    expect(answered).toBeGreaterThan(140)
    await Promise.all(reads)
  },
)

test('when too many reads wait, the client is refused whose they are', async () => {
  const { node } = await memoryNode({ readers: 1, maxWaitingReads: 40, ...PATIENT })
  const slow = (client: string) =>
    node.query({ sql: SLOW, params: [] }, 1, { level: 'weak' }, client).then(
      () => 'answered',
      (error) => error.code,
    )
  const greedy = Array.from({ length: 100 }, () => slow('greedy'))
  const modest = Array.from({ length: 5 }, () => slow('modest'))
  const outcomes = await Promise.all(greedy)
  expect(await Promise.all(modest)).toEqual(Array.from({ length: 5 }, () => 'answered'))
  // Sixteen are with the reader, and half of those that may wait are one client's.
  expect(outcomes.filter((each) => each === 'answered').length).toBe(36)
  expect(outcomes.filter((each) => each === 'overloaded').length).toBe(64)
})
