import { afterAll, expect, test } from 'vitest'
import { createClone } from '../../lib/clone/create.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { ThreadEngine } from '../../lib/store/thread-engine.ts'
import { StoresBed, write } from '../support/clones.ts'
import { startTable } from '../support/embedded-table.ts'
import { largeSlices } from '../support/large-store.ts'
import { saveTask } from '../support/requests.ts'

/** From the request for a clone of a large store until a node of it has answered a read and a write. */

const TASKS = Number(process.env.TASKS ?? 215_000)
/** Entries behind the snapshot that are carried over. */
const BEHIND = 100

test('a clone serves soon', { timeout: 30 * 60_000 }, async () => {
  const { endpoint } = await startTable(afterAll)
  const bed = await StoresBed.open(endpoint)
  const boot = (image: Parameters<typeof ThreadEngine.boot>[0]) => ThreadEngine.boot(image, undefined, 'writer-thread')
  const threads = { boot, timeoutMs: 600_000 }
  const main = await bed.node('main', threads)
  for (const slice of largeSlices(TASKS)) await write(main, [slice])
  const context = await bed.cloneContext()
  await takeSnapshot(context)
  for (let number = 0; number < BEHIND; number++) await write(main, [saveTask(`behind-${number}`)])
  await main.close()

  for (const name of ['first', 'second']) {
    const startedAt = performance.now()
    const used = process.cpuUsage()
    await createClone(context, { name })
    const madeMs = performance.now() - startedAt
    const node = await bed.node(name, threads)
    const statements = [{ sql: 'select count(*) from task', params: [] }]
    const { results } = await node.read(statements, { level: 'consistent' })
    expect(Number(results[0]!.rows[0]![0]!.toString())).toBe(TASKS + BEHIND)
    await write(node, [saveTask('of the clone')])
    const { user, system } = process.cpuUsage(used)
    process.stdout.write(
      `clone of ${TASKS} tasks: made in ${(madeMs / 1_000).toFixed(1)} s, served after ` +
        `${((performance.now() - startedAt) / 1_000).toFixed(1)} s (${((user + system) / 1e6).toFixed(1)} s of processor time)\n`,
    )
    await node.close()
  }
})
