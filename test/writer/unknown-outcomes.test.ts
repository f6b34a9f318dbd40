import { expect, test } from 'vitest'
import type { PutOutcome } from '../../lib/log/event-log.ts'
import { type Engine, PgliteEngine } from '../../lib/store/engine.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota, saveTask } from '../support/requests.ts'
import { gate, unknown, unsent } from '../support/scripted-log.ts'
import { entriesOf } from '../support/state.ts'

test('an answer that was lost after the put applied is a success, once', async () => {
  const { node, events } = await memoryNode()
  events.onPut = async (_item, put) => {
    events.onPut = undefined
    await put()
    return unknown()
  }
  const { lsn } = await node.submit(request([saveTask('t')]), as('p'))
  expect(lsn).toBe(1)
  expect(await entriesOf(node.log)).toHaveLength(1)
})

test('a lost request is sent again, with the same bytes', async () => {
  const { node, events } = await memoryNode()
  const attempts: string[] = []
  events.onPut = async (item, put) => {
    attempts.push(item.attempt)
    return attempts.length < 3 ? unknown() : put()
  }
  await node.submit(request([saveTask('t')]), as('p'))
  expect(new Set(attempts).size).toBe(1)
})

test('when another node wins the slot, the transaction is decided again on top', async () => {
  const { node, table, storeId, events } = await memoryNode()
  const { node: other } = await memoryNode({ table, storeId })
  events.onPut = async (_item, put) => {
    events.onPut = undefined
    await other.submit(request([saveTask('t', { status: 'RUNNING' })]), as('other'))
    return put()
  }
  const mine = request([saveQuota('www')], [{ entity: 'task', key: 't', absent: true }])
  await expect(node.submit(mine, as('p'))).rejects.toMatchObject({ code: 'precondition_failed' })
  expect((await node.submit(request([saveQuota('www')]), as('p'))).lsn).toBe(2)
})

test('at the deadline the client hears that the outcome is unknown, and a retry with the key settles it', async () => {
  const { node, events } = await memoryNode({ newLogFormat: 1 })
  const applied = gate()
  events.onPut = async (_item, put) => {
    await applied.opened
    await put()
    return unknown()
  }
  const options = { ...as('p', 'k'), timeoutMs: 50 }
  await expect(node.submit(request([saveTask('t')]), options)).rejects.toMatchObject({ code: 'outcome_unknown' })
  applied.open()
  events.onPut = undefined
  const { lsn } = await node.submit(request([saveTask('t')]), as('p', 'k'))
  expect(lsn).toBe(1)
  expect((await entriesOf(node.log)).flatMap(({ transactions }) => transactions)).toHaveLength(1)
})

test('doubt is ended by racing the slot: the no-op wins, the late request loses, a retry commits once', async () => {
  const { node, events } = await memoryNode()
  const late: (() => Promise<PutOutcome>)[] = []
  events.onPut = async (item, put) => {
    if (item.transactions === 0) return put()
    late.push(put)
    return unknown()
  }
  const options = { ...as('p', 'k'), timeoutMs: 30 }
  await expect(node.submit(request([saveTask('t')]), options)).rejects.toMatchObject({ code: 'outcome_unknown' })
  await expect.poll(async () => (await entriesOf(node.log)).length).toBe(1)
  events.onPut = undefined
  const { lsn } = await node.submit(request([saveTask('t')]), as('p', 'k'))
  expect(lsn).toBe(2)
  for (const put of late) expect((await put()).kind).toBe('taken')
  const transactions = (await entriesOf(node.log)).map((entry) => entry.transactions.length)
  expect(transactions).toEqual([0, 1])
})

test('a refusal decided together with an append of unknown outcome is unknown too', async () => {
  const { node, events } = await memoryNode()
  events.onPut = async () => unknown()
  const options = { ...as('p'), timeoutMs: 50 }
  const outcomes = await Promise.allSettled([
    node.submit(request([saveTask('t')]), options),
    node.submit(request([saveQuota('www')], [{ entity: 'task', key: 'x', exists: true }]), options),
  ])
  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'outcome_unknown' } })
  events.onPut = undefined
})

test('what never reached a server is refused for certain, and soon', async () => {
  const { node, events } = await memoryNode()
  events.onPut = async () => unsent()
  const startedAt = performance.now()
  await expect(node.submit(request([saveTask('t')]), as('p'))).rejects.toMatchObject({ code: 'log_unavailable' })
  expect(performance.now() - startedAt).toBeLessThan(4_000)
  events.onPut = undefined
  expect((await node.submit(request([saveTask('t')]), as('p'))).lsn).toBe(1)
})

test('a definite refusal of the server says what is wrong, and nothing is committed', async () => {
  const { node, events } = await memoryNode()
  events.onPut = async () => ({ kind: 'refused', error: new Error('AccessDeniedException: no') })
  await expect(node.submit(request([saveTask('t')]), as('p'))).rejects.toMatchObject({
    code: 'log_unavailable',
    message: expect.stringContaining('AccessDenied'),
  })
  expect(await entriesOf(node.log)).toHaveLength(0)
})

test('reads go on while an append is in doubt, and show nothing of it', async () => {
  const { node, events } = await memoryNode()
  await node.submit(request([saveTask('before')]), as('p'))
  const answered = gate()
  events.onPut = async (_item, put) => {
    await answered.opened
    events.onPut = undefined
    return put()
  }
  const pending = node.submit(request([saveTask('t')]), as('p'))
  // After a second the SQL transaction is rolled back, and the store of the writer can be read again.
  const { lsn, results } = await node.read([{ sql: 'select count(*) from task', params: [] }], { level: 'weak' })
  expect(lsn).toBe(1)
  expect(results[0]!.rows[0]![0]!.toString()).toBe('1')
  answered.open()
  expect((await pending).lsn).toBe(2)
})

test('a consistent read that finds our own entry in the slot settles the doubt', async () => {
  const { node, events } = await memoryNode()
  events.onPut = async (_item, put) => {
    await put()
    return new Promise(() => undefined)
  }
  const pending = node.submit(request([saveTask('t')]), as('p'))
  await expect.poll(() => events.puts).toBe(1)
  const { lsn } = await node.read([], { level: 'consistent' })
  expect(lsn).toBe(1)
  expect((await pending).lsn).toBe(1)
})

test('an entry that is durable is acknowledged although the store could not commit, and the store is built anew', async () => {
  let engine: Engine | undefined
  const { node, events } = await memoryNode({
    boot: async (image) => {
      engine = await PgliteEngine.bootImage(image)
      return engine
    },
  })
  await node.submit(request([saveTask('a')]), as('p'))
  events.onPut = async (_item, put) => {
    events.onPut = undefined
    const outcome = await put()
    await engine!.kill()
    return outcome
  }
  const { lsn } = await node.submit(request([saveTask('b')]), as('p', 'k'))
  expect(lsn).toBe(2)
  expect((await node.submit(request([saveTask('c')]), as('p'))).lsn).toBe(3)
  const { results } = await node.read([{ sql: 'select count(*) from task', params: [] }], { level: 'consistent' })
  expect(results[0]!.rows[0]![0]!.toString()).toBe('3')
})

test('while the log does not answer, nobody waits for it: what was sent is unknown, what was not is refused', async () => {
  const { node, events } = await memoryNode({ awayAfterMs: 1_200 })
  const held = gate()
  events.onPut = async (_item, put) => {
    await held.opened
    return put()
  }
  const sent = node.submit(request([saveTask('sent')]), as('p', 'k'))
  await expect.poll(() => events.puts).toBe(1)
  const queued = node.submit(request([saveTask('queued')]), as('p'))
  const retried = node.submit(request([saveTask('sent')]), as('p', 'k'))
  const refusals = await Promise.allSettled([sent, queued, retried])
  const codes = refusals.map((refusal) => (refusal as PromiseRejectedResult).reason.code)
  // A retry of what may be committed must not hear that nothing was done.
  expect(codes).toEqual(['outcome_unknown', 'log_unavailable', 'outcome_unknown'])
  const at = performance.now()
  await expect(node.submit(request([saveTask('later')]), as('p'))).rejects.toMatchObject({ code: 'log_unavailable' })
  await expect(node.submit(request([saveTask('sent')]), as('p', 'k'))).rejects.toMatchObject({
    code: 'outcome_unknown',
  })
  expect(performance.now() - at).toBeLessThan(1_000)
  held.open()
  await expect.poll(() => node.submit(request([saveTask('after')]), as('p', 'k2')).catch(() => undefined)).toBeDefined()
  const { lsn } = await node.submit(request([saveTask('sent')]), as('p', 'k'))
  expect((await node.submit(request([saveTask('sent')]), as('p', 'k'))).lsn).toBe(lsn)
})
