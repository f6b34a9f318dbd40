import { expect, test } from 'vitest'
import type { MutableStores, Stores, TaskInput } from '../../lib/index.ts'
import { host, quota } from '../support/records.ts'
import { describeStorages } from '../support/storages.ts'
import { configIn, taskIn } from '../support/task-store.ts'

/** Whatever a closure writes, it reads what will be there when it has committed. */

const ROLES = ['rw-a', 'rw-b', 'rw-c']
const TASKS = Array.from({ length: 8 }, (_, index) => `rw-${index}`)
const HOSTS = ['rw-h1', 'rw-h2']
const STATUSES = ['PENDING', 'RUNNING', 'FINISHED'] as const

const jobIn = (role: string) => ({ role, environment: 'prod', name: 'hello' })
const UPDATES = ROLES.flatMap((role) => ['u-1', 'u 2/é'].map((id) => ({ job: jobIn(role), id })))
/** Times of events, all different: at the same time the order of updates in a list would be that of their keys. */
let clock = 1

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)]!
const some = <T>(from: readonly T[]): T[] => {
  const found = from.filter(() => Math.random() < 0.4)
  return found.length === 0 ? [pick(from)] : found
}

const queries = [
  () => ({ role: pick(ROLES) }),
  () => ({ taskIds: some(TASKS) }),
  () => ({ statuses: some(STATUSES) }),
  () => ({ slaveHosts: some(HOSTS) }),
  () => ({ jobKeys: [{ role: pick(ROLES), environment: 'prod', name: 'hello' }] }),
  () => ({ taskIds: some(TASKS), statuses: [pick(STATUSES)] }),
  () => ({ role: pick(ROLES), environment: 'prod', jobName: 'hello', instanceIds: [0, 1] }),
]

function randomTask(): TaskInput {
  const placed = Math.random() < 0.5 ? { slaveHost: pick(HOSTS) } : {}
  return taskIn(pick(ROLES), pick(TASKS), { status: pick(STATUSES), instanceId: pick([0, 1, 2]), ...placed })
}

/** Something is written, by any of the ways there are. */
const writes: ((stores: MutableStores) => unknown)[] = [
  ({ tasks }) => tasks.save([randomTask()]),
  ({ tasks }) => tasks.remove(some(TASKS)),
  ({ tasks }) => tasks.remove(pick(queries)()),
  ({ tasks }) => tasks.mutate(pick(TASKS), (task) => ({ ...task, status: pick(STATUSES) })),
  ({ tasks }) => tasks.mutateMany(pick(queries)(), { status: pick(STATUSES) }),
  ({ tasks }) => tasks.mutateMany(pick(queries)(), { slaveHost: pick([null, ...HOSTS]) }),
  ({ tasks }) => tasks.mutateMany(pick(queries)(), { task: configIn(pick(ROLES)) }, { timestamp: 1, status: 'LOST' }),
  ({ quotas }) => quotas.save(pick(ROLES), quota(pick([1, 2]))),
  ({ quotas }) => quotas.remove(pick(ROLES)),
  ({ hosts }) => hosts.save(host(pick(HOSTS), { mode: pick(['NONE', 'DRAINED']) })),
  ({ cronJobs }) => {
    const key = jobIn(pick(ROLES))
    cronJobs.save({ key, cronSchedule: '* * * * *', taskConfig: configIn(key.role), instanceCount: pick([1, 2]) })
  },
  ({ cronJobs }) => cronJobs.remove(jobIn(pick(ROLES))),
  ({ hostMaintenance }) =>
    hostMaintenance.save({ host: pick(HOSTS), timeoutSecs: pick([1, 2]), createdTimestampMs: 1 }),
  ({ hostMaintenance }) => hostMaintenance.remove(pick(HOSTS)),
  ({ scheduler }) => scheduler.saveFrameworkId(pick(['one', 'two'])),
  async ({ locks }) => {
    const job = jobIn(pick(ROLES))
    if ((await locks.get(job)) === undefined) {
      locks.save({ key: { job }, token: `token-${job.role}`, user: 'ann', timestampMs: 1 })
    } else locks.remove({ job })
  },
  async ({ jobUpdates, locks }) => {
    const key = pick(UPDATES)
    if ((await jobUpdates.details(key)) !== undefined) return
    const lock = await locks.get(key.job)
    const desiredState = { task: configIn(key.job.role), instances: [{ first: 0, last: 3 }] }
    jobUpdates.save({ summary: { key, user: pick(['ann', 'bob']) }, instructions: { desiredState } }, lock?.token)
  },
  async ({ jobUpdates }) => {
    const key = pick(UPDATES)
    if ((await jobUpdates.details(key)) === undefined) return
    const status = pick(['ROLLING_FORWARD', 'ROLLED_FORWARD', 'FAILED'] as const)
    jobUpdates.saveEvent(key, { status, timestampMs: clock++ })
    jobUpdates.saveInstanceEvent(key, { instanceId: pick([0, 1]), action: 'INSTANCE_UPDATED', timestampMs: clock++ })
  },
  ({ jobUpdates }) => jobUpdates.remove([pick(UPDATES)]),
  ({ jobUpdates }) => jobUpdates.prune({ perJobRetainCount: 1, historyPruneThresholdMs: 0 }),
]

async function look({ tasks, quotas, hosts, jobs, roles, ...others }: Stores): Promise<unknown> {
  const answers = [
    ...TASKS.map((id) => tasks.get(id)),
    tasks.fetch(),
    ...ROLES.map((role) => tasks.fetch({ role })),
    ...HOSTS.map((name) => tasks.fetch({ slaveHosts: [name] })),
    ...STATUSES.map((status) => tasks.fetch({ statuses: [status], role: null, taskIds: [] })),
    tasks.fetch({ taskIds: TASKS, statuses: ['RUNNING'] }),
    tasks.fetch({ taskIds: TASKS.slice(0, 3), slaveHosts: HOSTS }),
    tasks.jobKeys(),
    jobs.list(),
    jobs.list({ role: ROLES[0]! }),
    ...ROLES.map((role) => jobs.get({ role, environment: 'prod', name: 'hello' })),
    roles.list(),
    ...ROLES.map((role) => roles.get(role)),
    quotas.list(),
    ...ROLES.map((role) => quotas.get(role)),
    hosts.list(),
    hosts.list({ mode: ['DRAINED'] }),
    ...HOSTS.map((name) => hosts.get(name)),
    others.cronJobs.list(),
    others.cronJobs.list({ role: ROLES[1]! }),
    ...ROLES.map((role) => others.cronJobs.get(jobIn(role))),
    others.hostMaintenance.list(),
    ...HOSTS.map((name) => others.hostMaintenance.get(name)),
    others.locks.list(),
    ...ROLES.map((role) => others.locks.get(jobIn(role))),
    others.scheduler.frameworkId(),
    others.jobUpdates.summaries(),
    others.jobUpdates.fetch({ role: ROLES[0]!, statuses: [] }),
    others.jobUpdates.summaries({ jobKey: jobIn(ROLES[1]!), user: 'ann' }),
    others.jobUpdates.summaries({ statuses: ['ROLLING_FORWARD'] }),
    ...UPDATES.flatMap((key) => [
      others.jobUpdates.details(key),
      others.jobUpdates.summaries({ key, user: 'bob' }),
      others.jobUpdates.instanceEvents(key),
      others.jobUpdates.instanceEvents(key, { instanceId: 1 }),
    ]),
  ]
  return plain(await Promise.all(answers))
}

/** Without what is only known when a transaction has its place in the log. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, each) => (key === 'version' || key === 'changedLsn' ? undefined : each)),
  )
}

describeStorages('own writes', ({ storage }) => {
  test('are read as they will be committed', async () => {
    for (let round = 0; round < 30; round++) {
      const before = await storage.write(async (stores) => {
        for (let step = 0; step < 8; step++) {
          await pick(writes)(stores)
          if (Math.random() < 0.3) await stores.tasks.fetch(pick(queries)())
          if (Math.random() < 0.3) await stores.tasks.get(pick(TASKS))
        }
        return look(stores)
      })
      expect(before).toEqual(await storage.consistentRead(look))
    }
  }, 60_000)

  test('a record has a version exactly when it is committed', async () => {
    await storage.write(async ({ tasks, hosts }) => {
      tasks.save([taskIn('rw-v', 'rw-v1')])
      await hosts.save(host('rw-v'))
    })
    await storage.write(async ({ tasks, hosts }) => {
      const committed = await tasks.get('rw-v1')
      expect(committed?.version).toBeTypeOf('number')
      expect((await hosts.get('rw-v'))?.version).toBeTypeOf('number')
      expect(await tasks.mutate('rw-v1', (task) => task)).toEqual(committed)
      const changed = await tasks.mutate('rw-v1', (task) => ({ ...task, status: 'RUNNING' }))
      expect(changed).toMatchObject({ status: 'RUNNING' })
      expect([changed, await tasks.get('rw-v1'), (await tasks.fetch({ role: 'rw-v' }))[0]]).toEqual([
        changed,
        changed,
        changed,
      ])
      expect(changed).not.toHaveProperty('version')
      expect(await tasks.mutate('rw-nobody', (task) => task)).toBeUndefined()
      await expect(tasks.mutate('rw-v1', () => taskIn('rw-v', 'rw-v2'))).rejects.toThrow(/must stay/)
    })
  })

  test('changes of one task that are made side by side all count', async () => {
    await storage.write(({ tasks }) => tasks.save([taskIn('rw-s', 'rw-s1')]))
    await storage.write(async ({ tasks }) => {
      const once = () => tasks.mutate('rw-s1', (task) => ({ ...task, failureCount: task.failureCount + 1 }))
      await Promise.all([once(), once(), once()])
    })
    expect((await storage.consistentRead(({ tasks }) => tasks.get('rw-s1')))?.failureCount).toBe(3)
  })

  test('saving the same host again changes nothing', async () => {
    const attributes = { ...host('rw-same'), attributes: [{ name: 'rack', values: ['b', 'a'] }] }
    const save = () => storage.write(({ hosts }) => hosts.save(attributes))
    expect([await save(), await save()]).toEqual([true, false])
    const changed = storage.write(async ({ hosts }) => {
      const first = await hosts.save({ ...attributes, mode: 'DRAINED' })
      return [first, await hosts.save({ ...attributes, mode: 'DRAINED' }), await hosts.save(attributes)]
    })
    expect(await changed).toEqual([true, false, true])
  })
})
