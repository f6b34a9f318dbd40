import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { Housekeeper } from '../../lib/replica/housekeeper.ts'
import type { Housework } from '../../lib/replica/housework.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'

const ROWS = 200

/** A node whose writer's store needs a vacuum at half of the rows that `waste` makes dead. */
async function wastefulNode() {
  let engine: PgliteEngine | undefined
  const done: string[] = []
  const parts = await memoryNode({
    housekeepingMs: 20,
    housekeeping: { walSegments: 1_000, deadRows: ROWS / 2 },
    boot: async (image) => {
      engine = await PgliteEngine.bootImage(image)
      const run = engine.run.bind(engine)
      engine.run = async (statements, options) => {
        const work = statements.find(({ sql }) => /^(vacuum|analyze|checkpoint)/.test(sql))
        // Nothing else is in the message of a piece of maintenance.
        if (work !== undefined) done.push(statements.length === 1 ? work.sql : 'not alone')
        return run(statements, options)
      }
      return engine
    },
  })
  const sql = (text: string) => engine!.run([{ sql: text, params: [] }])
  await sql(`insert into host select 'h' || i, null, 'NONE', '[]', 1 from generate_series(1, ${ROWS}) i`)
  const waste = () => sql(`update host set mode = mode || 'x', version = version + 1`)
  return { ...parts, done, waste }
}

const VACUUM = 'vacuum (truncate off) public.host'

test("the writer's store is kept in order while nobody waits, and left alone during a batch", async () => {
  const { node, events, done, waste } = await wastefulNode()
  const held = gate()
  events.onPut = async (_item, put) => {
    await held.opened
    return put()
  }
  // Nobody is kept waiting for a log that does not answer; the batch is on its way all the same.
  const written = node.submit(request([saveQuota('www')]), as('p')).catch(() => undefined)
  const next = node.submit(request([saveQuota('other')]), as('p')).catch(() => undefined)
  await expect.poll(() => events.puts).toBe(1)
  // After a second in doubt the store is free for reads, but the batch is still on its way.
  await node.read([], { level: 'weak' })
  await waste()
  await expect.poll(async () => (await node.status()).housekeeping.putOff).toBeGreaterThan(1)
  expect(done).toEqual([])
  held.open()
  await Promise.all([written, next])
  await expect.poll(() => done).toEqual([VACUUM])
  expect((await node.status()).housekeeping).toMatchObject({ slices: 1 })
})

test('what is long overdue is done all the same: memory would go on growing', async () => {
  const { node, events, done, waste } = await wastefulNode()
  const held = gate()
  events.onPut = async (_item, put) => {
    await held.opened
    return put()
  }
  // Nobody is kept waiting for a log that does not answer; the batch is on its way all the same.
  const written = node.submit(request([saveQuota('www')]), as('p')).catch(() => undefined)
  await expect.poll(() => events.puts).toBe(1)
  await node.read([], { level: 'weak' })
  for (let times = 0; times < 4; times++) await waste()
  await expect.poll(() => done).toContain(VACUUM)
  held.open()
  await written
})

test('readers are kept in order between reads', async () => {
  const housekeeping = { walSegments: 1_000, deadRows: 1_000, changedRows: 10 }
  const { node } = await memoryNode({ readers: 2, housekeepingMs: 50, housekeeping })
  for (let index = 0; index < 30; index++) await node.submit(request([saveQuota(`role-${index}`)]), as('p'))
  const analyzed = {
    sql: "select to_json(count(*) > 0) from pg_statistic where starelid = 'quota'::regclass",
    params: [],
  }
  // As many as one reader takes, and more: each of the two is asked.
  const found = async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => node.read([analyzed], { level: 'weak' })))
    return new Set(answers.map(({ results }) => results[0]!.rows[0]![0]!.toString()))
  }
  await expect.poll(found, { timeout: 20_000 }).toEqual(new Set(['true']))
})

test('one store has its turn at a time, and others come between two turns', async () => {
  let [turns, most, together, tooSoon] = [0, 0, 0, 0]
  const served: number[] = []
  const household = (needs: number) => ({
    async keepHouse(): Promise<Housework> {
      // Whoever came during a turn was served before the next one.
      if (served.length !== turns) tooSoon++
      most = Math.max(most, ++together)
      await delay(5)
      together--
      if (needs-- <= 0) return { kind: 'nothing' }
      turns++
      const turn = turns
      setTimeout(() => served.push(turn), 20)
      return { kind: 'done', sql: 'vacuum' }
    },
  })
  const options = { runtime: systemRuntime, logger: silentLogger, intervalMs: 10 }
  const households = [household(2), household(3), household(1)]
  const housekeeper = new Housekeeper({ ...options, households: () => households })
  onTestFinished(() => housekeeper.stop())
  await expect.poll(() => housekeeper.figures.slices, { timeout: 10_000 }).toBe(6)
  expect(most).toBe(1)
  expect(tooSoon).toBe(0)
})
