import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { dataOf, liveStore } from '../support/difference.ts'
import { largeSlices } from '../support/large-store.ts'
import { memoryNode } from '../support/memory-node.ts'
import { request } from '../support/requests.ts'

/** A backtrack that rewrites every row of a large store. How long it takes is printed; that reads go on is asserted. */

const TASKS = Number(process.env.TASKS ?? 215_000)
const principal = 'p'

test('a backtrack of every task, and its undo', { timeout: 60 * 60_000 }, async () => {
  const boot = (image: Parameters<typeof ThreadEngine.boot>[0]) => ThreadEngine.boot(image, undefined, 'writer-thread')
  const { node } = await memoryNode({
    readers: Number(process.env.READERS ?? 1),
    boot,
    timeoutMs: 600_000,
    readTimeoutMs: 300_000,
  })
  const submit = (operation: unknown) => node.submit(request([operation]), { principal })
  for (const slice of largeSlices(TASKS)) await submit(slice)
  const good = node.tailLsn
  await node.snapshots.take()
  const wanted = await dataOf(liveStore(node))
  for (let role = 0; role < 20; role++) {
    await submit({ op: 'mutateTasks', query: { role: `r${role}` }, patch: { status: 'LOST' } })
  }
  const before = await dataOf(liveStore(node))
  // As the schedule would: there is one near either place.
  if (process.env.SNAPSHOT !== 'first') await node.snapshots.take()

  let done = 0
  for (const [what, data] of [
    ['backtrack', wanted],
    ['undo', before],
  ] as const) {
    const target = what === 'backtrack' ? { lsn: good } : { undo: done }
    const gaps = { weak: 0, consistent: 0, write: 0 }
    let reading = true
    const look = async (kind: keyof typeof gaps, work: () => Promise<unknown>) => {
      while (reading) {
        const startedAt = performance.now()
        await work()
        gaps[kind] = Math.max(gaps[kind], performance.now() - startedAt)
        await setTimeout(20)
      }
    }
    const one = [{ sql: `select status from task where task_id = 't-7'`, params: [] }]
    const looking = [
      look('weak', () => node.read(one, { level: 'weak' })),
      look('consistent', () => node.read(one, { level: 'consistent' })),
      look('write', () => submit({ op: 'saveFrameworkId', id: 'f' })),
    ]
    const startedAt = performance.now()
    const used = process.cpuUsage()
    const outcome = await node.moves.backtrack.run({ target, principal, key: what, confirm: node.storeId })
    const seconds = (performance.now() - startedAt) / 1_000
    await node.read(one, { level: 'consistent' })
    const { user, system } = process.cpuUsage(used)
    // Readers take the step when it is done; the next one is measured by itself.
    const behindFrom = performance.now()
    while ((await node.status()).readers.some(({ load }) => load > 0)) await setTimeout(50)
    const behind = (performance.now() - behindFrom) / 1_000
    reading = false
    await Promise.all(looking)
    const entry = (await node.log.entry(outcome.lsn))!
    const longest = Object.entries(gaps).map(([kind, ms]) => `${kind} ${Math.round(ms)} ms`)
    process.stdout.write(
      `${what}: ${outcome.difference.rows} rows in ${seconds.toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s of processor time in all threads), ` +
        `the readers ${behind.toFixed(1)} s later; ${entry.framed?.frames.length} frames of ` +
        `${(entry.bytes / 1e6).toFixed(1)} MB; longest ${longest.join(', ')}; ${Math.round(process.memoryUsage().rss / 1e6)} MB\n`,
    )
    expect(outcome.made).toBe(true)
    done = outcome.lsn
    const { scheduler: _, ...now } = await dataOf(liveStore(node))
    const { scheduler: __, ...then } = data
    expect(now).toEqual(then)
  }
})
