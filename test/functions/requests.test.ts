import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { costs, costTable, REQUESTS } from '../../bin/costs.mjs'
import { archiveAge } from '../../lib/archive/age.ts'
import { TRIM_SETTINGS } from '../../lib/archive/trim-settings.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { nodeConfig } from '../../lib/node/config.ts'
import { startNode } from '../../lib/node/start-node.ts'
import { sweepOnce } from '../../lib/node/sweep-job.ts'
import { type OpenedStore, withStore } from '../../lib/node/with-store.ts'
import { snapshotAge } from '../../lib/snapshot/age.ts'
import { startTable } from '../support/embedded-table.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { task } from '../support/records.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** How many requests to the log a piece of work makes: what is paid for, and what bin/costs.mjs reckons with. */

const NEVER = new AbortController().signal
const context = { runtime: systemRuntime, logger: silentLogger }
function counted(requests: string[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const name of requests) sums[name] = (sums[name] ?? 0) + 1
  return sums
}

/** A function's settings, on a table that is asked through a proxy. */
async function bed() {
  const proxy = await FaultProxy.start((await startTable()).endpoint)
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', proxy.url)
  onTestFinished(() => void vi.unstubAllEnvs())
  const flags = { table: 'boreal', objects: await temporaryFolder(), createTable: true, readers: '0' }
  const config = nodeConfig(flags, { BOREAL_POLL_MS: '0', BOREAL_PRUNE_MINUTES: '0' })
  const during = async (work: () => Promise<unknown>) => {
    const before = proxy.seen.length
    await work()
    return counted(proxy.seen.slice(before))
  }
  return { config, during, proxy }
}

const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })

test('a write is one request, a consistent read another, and nothing else is asked in between', {
  timeout: 120_000,
}, async () => {
  const { config, during, proxy } = await bed()
  const { node, close } = await startNode(config, context)
  onTestFinished(close)
  await node.submit(save('first'), { principal: 'p' })
  expect(await during(() => node.submit(save('second'), { principal: 'p' }))).toEqual(REQUESTS.write)
  expect(await during(() => node.read([], { level: 'consistent' }))).toEqual(REQUESTS.consistentRead)
  expect(await during(() => node.read([], { level: 'weak' }))).toEqual({})
  const idle = proxy.seen.length
  await systemRuntime.sleep(1_500)
  expect(proxy.seen.length).toBe(idle)
})

const idleRuns = {
  idleSnapshot: async (store: OpenedStore) => {
    await store.runJob('snapshot', {}, NEVER)
    await snapshotAge(store.log, store.objects)
  },
  idleArchive: async (store: OpenedStore) => {
    await store.runJob('archive', {}, NEVER)
    await archiveAge(store.log, store.objects)
  },
  idleTrim: async (store: OpenedStore) => {
    await store.runJob('trim', { settings: TRIM_SETTINGS }, NEVER)
  },
}

test.each(Object.keys(idleRuns) as (keyof typeof idleRuns)[])(
  'a run that finds nothing to do asks for so few items: %s',
  { timeout: 120_000 },
  async (name) => {
    const { config, during } = await bed()
    const { node, close } = await startNode(config, context)
    await node.submit(save('first'), { principal: 'p' })
    await close()
    const storage = { ...config.storage, createTable: false } as typeof config.storage
    const run = () => withStore({ ...config, storage }, context, idleRuns[name])
    await run()
    const requests = await during(run)
    const { list: _, get: __, ...items } = REQUESTS[name]
    expect(requests).toEqual(items)
  },
)

test('so does a sweep', { timeout: 120_000 }, async () => {
  const { config, during } = await bed()
  const { close } = await startNode(config, context)
  await close()
  const storage = { ...config.storage, createTable: false } as typeof config.storage
  expect(await during(() => sweepOnce({ storage }, context))).toEqual({ GetItem: REQUESTS.idleSweep.GetItem })
})

test('idle is next to nothing, and what is reckoned adds up', () => {
  expect(costs('small', 0).total).toBeLessThan(0.5)
  const { items, total } = costs('busy', 5_000)
  expect(total).toBeCloseTo(Object.values(items).reduce((sum, each) => sum + each, 0))
  // More than one partition takes would be throttled, whatever it costs.
  expect(costs('busy', 5_000).writeUnitsPerSecond).toBeLessThanOrEqual(1_000)
})

test('docs/costs.md shows what is reckoned', async () => {
  expect(await readFile(new URL('../../docs/costs.md', import.meta.url), 'utf8')).toContain(`\n${costTable()}\n`)
})
