import { afterAll, describe, expect, test } from 'vitest'
import { connect, openStorage, type Storage } from '../../lib/index.ts'
import { memoryNode } from '../support/memory-node.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { serveNode, WRITE_TOKEN } from '../support/test-api.ts'
import {
  addHosts,
  brokenRules,
  createJob,
  drain,
  placeAll,
  rollForward,
  runAssigned,
  startUpdate,
  versionOf,
} from './scheduler.ts'

const MINUTE = 60_000
const web = { role: 'www', environment: 'prod', name: 'web' }
const big = { role: 'www', environment: 'prod', name: 'big' }
const hosts = Array.from({ length: 50 }, (_, index) => `host-${index}`)

async function inProcess(): Promise<Storage> {
  const storage = await openStorage({ data: await temporaryFolder(afterAll) })
  afterAll(() => storage.close())
  return storage
}

async function overHttp(): Promise<Storage> {
  const { node } = await memoryNode({ readers: 1, cleanup: afterAll })
  const storage = connect((await serveNode(node, afterAll)).url, { token: WRITE_TOKEN })
  afterAll(() => storage.close())
  return storage
}

/** The same program, whatever it runs on. Each test goes on where the one before has ended. */
describe.each([
  ['in process', inProcess],
  ['over HTTP', overHttp],
])('a scheduler %s', { timeout: 5 * MINUTE }, async (_, open) => {
  const storage = await open()

  test('places 1,000 tasks by 8 workers that meet, each once and none where there is no room', async () => {
    await addHosts(storage, hosts)
    await createJob(storage, web, 1_000, 'v1')
    const { placed, runs } = await placeAll(storage, [web], 8, 10)
    expect(placed).toBe(1_000)
    // They have met, or this proves nothing.
    expect(runs).toBeGreaterThan(100)
    expect(await brokenRules(storage, [web])).toEqual([])
    await runAssigned(storage, web)
    expect(await storage.consistentRead(({ jobs }) => jobs.get(web))).toMatchObject({ tasks: { RUNNING: 1_000 } })
  })

  test('drains hosts while new tasks are placed', async () => {
    await createJob(storage, { ...web, name: 'more' }, 100, 'v1')
    const jobs = [web, { ...web, name: 'more' }]
    await Promise.all([placeAll(storage, jobs, 4, 5), ...hosts.slice(0, 3).map((host) => drain(storage, host))])
    await placeAll(storage, jobs, 4, 5)
    expect(await brokenRules(storage, jobs)).toEqual([])
    const drained = await storage.consistentRead((stores) =>
      Promise.all([stores.hosts.list({ mode: 'DRAINED' }), stores.hostMaintenance.list()]),
    )
    expect(drained.map((list) => list.length)).toEqual([3, 3])
  })

  test('rolls an update through 4,000 instances in batches of 1,000, one update at a time', async () => {
    await createJob(storage, big, 4_000, 'v1')
    const keys = Array.from({ length: 4 }, (_, index) => ({ job: big, id: `update-${index}` }))
    const started = await Promise.all(keys.map((key) => startUpdate(storage, key, 4_000, 'v2')))
    expect(started.filter(Boolean)).toHaveLength(1)
    const key = keys[started.indexOf(true)]!
    await rollForward(storage, key, 4_000, 'v2')

    const [details, active, summary] = await storage.consistentRead((stores) =>
      Promise.all([
        stores.jobUpdates.details(key),
        stores.tasks.fetch({ jobKeys: [big], statuses: ['PENDING', 'ASSIGNED', 'RUNNING'] }),
        stores.jobs.get(big),
      ]),
    )
    expect(details?.update.summary.state?.status).toBe('ROLLED_FORWARD')
    expect(new Set(details?.instanceEvents.map(({ instanceId }) => instanceId)).size).toBe(4_000)
    expect(active).toHaveLength(4_000)
    expect(active.every((task) => versionOf(task) === 'v2')).toBe(true)
    expect(summary?.activeUpdate).toBeUndefined()
    expect(summary?.tasks).toMatchObject({ KILLED: 4_000 })
  })
})
