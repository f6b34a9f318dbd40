import { ulid } from 'ulid'
import { uuidv7obj } from 'uuidv7'
import { expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota, saveTask } from '../support/requests.ts'
import { entriesOf } from '../support/state.ts'

test('a retry gets the answer of the first time and runs nothing', async () => {
  const { node } = await memoryNode()
  const first = await node.submit(request([saveTask('t')]), as('p', 'k'))
  const again = await node.submit(request([saveTask('t')]), as('p', 'k'))
  expect(again).toEqual(first)
  expect(await entriesOf(node.log)).toHaveLength(1)
})

test('two requests with one key in one batch are one transaction', async () => {
  const { node } = await memoryNode({ newLogFormat: 1 })
  const [first, second] = await Promise.all([
    node.submit(request([saveTask('t')]), as('p', 'k')),
    node.submit(request([saveTask('t')]), as('p', 'k')),
  ])
  expect(second).toEqual(first)
  expect((await entriesOf(node.log))[0]!.transactions).toHaveLength(1)
})

test('another request with the same key is refused, also within one batch', async () => {
  const { node } = await memoryNode()
  const outcomes = await Promise.allSettled([
    node.submit(request([saveQuota('a')]), as('p', 'k')),
    node.submit(request([saveQuota('b')]), as('p', 'k')),
  ])
  expect(outcomes[1]).toMatchObject({ reason: { code: 'idempotency_key_reused' } })
  await expect(node.submit(request([saveQuota('c')]), as('p', 'k'))).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  })
})

test('keys are scoped by principal', async () => {
  const { node } = await memoryNode()
  const mine = await node.submit(request([saveQuota('a')]), as('ann', 'k'))
  const yours = await node.submit(request([saveQuota('b')]), as('bob', 'k'))
  expect(yours.lsn).toBe(mine.lsn + 1)
})

test('a refusal is not remembered: the same key may succeed later', async () => {
  const { node } = await memoryNode()
  const conditional = request([saveQuota('a')], [{ entity: 'task', key: 't', exists: true }])
  await expect(node.submit(conditional, as('p', 'k'))).rejects.toMatchObject({ code: 'precondition_failed' })
  await node.submit(request([saveTask('t')]), as('p'))
  expect((await node.submit(conditional, as('p', 'k'))).lsn).toBe(2)
})

test('a transaction that changes nothing is not logged and not remembered', async () => {
  const { node } = await memoryNode()
  const answer = await node.submit(request([{ op: 'removeQuota', role: 'a' }]), as('p', 'k'))
  expect(answer.results).toEqual([{ op: 'removeQuota', affected: 0 }])
  expect(await entriesOf(node.log)).toHaveLength(0)
})

test('the answer of a retry comes from the log when the node was started anew', async () => {
  const { node, table, storeId } = await memoryNode()
  const first = await node.submit(request([saveTask('t')]), as('p', 'k'))
  const { node: other } = await memoryNode({ table, storeId })
  expect(await other.submit(request([saveTask('t')]), as('p', 'k'))).toEqual(first)
})

test('keys that carry a time are refused beyond the horizon and in the future, others are not', async () => {
  const { node } = await memoryNode({ horizon: { maxAgeMs: 40, minAgeMs: 10, maxKeys: 1_000, sliceMs: 10 } })
  const old = ulid()
  const oldUuid = uuidv7obj().toString()
  await node.submit(request([saveQuota('a')]), as('p', old))
  // Transactions go on until the horizon has passed the first keys.
  for (let moved = false; !moved; ) {
    await node.submit(request([saveQuota('b', Math.random())]), as('p', ulid()))
    const events = (await entriesOf(node.log))
      .flatMap(({ transactions }) => transactions)
      .flatMap(({ events }) => events)
    moved = events.some((event) => event.event === 'horizonMoved')
  }
  await expect(node.submit(request([saveQuota('a')]), as('p', old))).rejects.toMatchObject({
    code: 'idempotency_key_expired',
  })
  await expect(node.submit(request([saveQuota('a')]), as('p', oldUuid))).rejects.toMatchObject({
    code: 'idempotency_key_expired',
  })
  await expect(node.submit(request([saveQuota('a')]), as('p', ulid(Date.now() + 6 * 60_000)))).rejects.toMatchObject({
    code: 'invalid_field',
  })
  await node.submit(request([saveQuota('c')]), as('p', ulid(Date.now() + 4 * 60_000)))
})

test('the horizon keeps keys for the least time even when there are too many, and forgets the oldest first', async () => {
  const horizon = { maxAgeMs: 60_000, minAgeMs: 200, maxKeys: 20, sliceMs: 20 }
  const { node } = await memoryNode({ horizon })
  const startedAt = Date.now()
  for (let index = 0; index < 40 || Date.now() - startedAt < 600; index++) {
    await node.submit(request([saveQuota('a', index)]), as('p', `key-${index}`))
  }
  const { results } = await node.read(
    [
      { sql: 'select count(*), min(time_ms) from boreal.idempotency', params: [] },
      { sql: 'select time_ms from boreal.horizon', params: [] },
    ],
    { level: 'consistent' },
  )
  const [count, oldest] = results[0]!.rows[0]!.map((cell) => Number(cell!.toString()))
  const horizonMs = Number(results[1]!.rows[0]![0]!.toString())
  expect(horizonMs).toBeGreaterThan(startedAt)
  expect(oldest).toBeGreaterThanOrEqual(horizonMs)
  const last = (await entriesOf(node.log)).at(-1)!
  expect(last.time - horizonMs).toBeGreaterThanOrEqual(horizon.minAgeMs - horizon.sliceMs)
  expect(count).toBeGreaterThan(0)
})
