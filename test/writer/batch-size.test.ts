import { expect, test } from 'vitest'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { QUEUE_LIMITS } from '../../lib/writer/queue.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import type { TestNode } from '../support/memory-node.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'
import { entriesOf } from '../support/state.ts'

/** A node on which every transaction with a key takes so long to write, by the node's own clock. */
async function nodeWithCost(cost: { ms: number }) {
  const runtime = new ManualRuntime()
  const parts = await memoryNode({
    runtime,
    queue: { ...QUEUE_LIMITS, batchTargetMs: 250 },
    boot: async (image) => {
      const engine = await PgliteEngine.bootImage(image)
      const run = engine.run.bind(engine)
      engine.run = async (statements, options) => {
        const keys = statements.find(({ sql }) => sql.startsWith('copy boreal.idempotency'))
        const ms =
          cost.ms *
          Buffer.from(keys?.copy ?? [])
            .toString()
            .split('\n')
            .slice(1).length
        runtime.elapse({ wall: ms, monotonic: ms })
        return run(statements, options)
      }
      return engine
    },
  })
  let keys = 0
  const submit = (count: number) =>
    Promise.all(
      Array.from({ length: count }, () => parts.node.submit(request([saveQuota('www')]), as('p', `k${keys++}`))),
    )
  return { ...parts, runtime, submit }
}

/** Transactions of each entry behind a place. */
async function sizes({ node }: Pick<TestNode, 'node'>, after: number): Promise<number[]> {
  return (await entriesOf(node.log)).filter(({ lsn }) => lsn > after).map(({ transactions }) => transactions.length)
}

test('a batch is as large as fits into its time, by what transactions have cost', async () => {
  const cost = { ms: 50 }
  const costly = await nodeWithCost(cost)
  await costly.submit(1)
  await costly.submit(40)
  const found = await sizes(costly, 1)
  expect(Math.max(...found)).toBeLessThanOrEqual(5)
  expect(found.length).toBeLessThanOrEqual(14)
})

test('it grows again when transactions become cheap', async () => {
  const cost = { ms: 100 }
  const node = await nodeWithCost(cost)
  await node.submit(1)
  cost.ms = 0
  for (let round = 0; round < 20; round++) await node.submit(2)
  const lsn = node.node.tailLsn
  await node.submit(400)
  expect(Math.max(...(await sizes(node, lsn)))).toBeGreaterThan(50)
})

test('at least one transaction is taken, however long it takes', async () => {
  const node = await nodeWithCost({ ms: 3_000 })
  await node.submit(1)
  await node.submit(5)
  expect(await sizes(node, 1)).toEqual([1, 1, 1, 1, 1])
})

test('a transaction whose deadline has passed is refused before it is decided', async () => {
  const runtime = new ManualRuntime()
  const { node, events } = await memoryNode({ runtime })
  const held = gate()
  events.onPut = async (_item, put) => {
    await held.opened
    return put()
  }
  const first = node.submit(request([saveQuota('first')]), as('p'))
  await expect.poll(() => events.puts).toBe(1)
  const late = node.submit(request([saveQuota('late')]), { ...as('p'), timeoutMs: 20_000 }).catch((error) => error.code)
  const patient = node.submit(request([saveQuota('patient')]), { ...as('p'), timeoutMs: 60_000 })
  // The timer is not due yet by the machine's clock: as when the process was stopped, or is too busy for timers.
  runtime.elapse({ wall: 30_000, monotonic: 30_000 })
  held.open()
  expect((await first).lsn).toBe(1)
  expect((await patient).lsn).toBe(2)
  expect(await late).toBe('deadline_exceeded')
  const roles = (await entriesOf(node.log)).flatMap(({ transactions }) => transactions.map(({ events }) => events))
  expect(JSON.stringify(roles)).not.toContain('late')
})
