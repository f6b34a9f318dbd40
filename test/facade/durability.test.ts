import { beforeAll, expect, test } from 'vitest'
import { type MutableStores, openStorage, type Storage, type Stores } from '../../lib/index.ts'
import { jobConfiguration } from '../../lib/model/cron-job.ts'
import { type OperationName, operation } from '../../lib/model/operations.ts'
import { scheduledTask } from '../../lib/model/task.ts'
import { fullUpdate, storedUpdate, updateKey, updateOf } from '../support/job-updates.ts'
import { fullConfig, fullTask, host, quota } from '../support/records.ts'
import { transactionsOf } from '../support/state.ts'
import { describeBeds, everything } from '../support/store-beds.ts'
import { taskIn } from '../support/task-store.ts'

/**
 * Aurora's tests of its durable storage: what is written through the façade is there after a restart, for every
 * operation that there is. All is written first; then one node starts on the log and is asked for everything.
 */

interface Replay {
  /** What there is before. */
  given?(stores: MutableStores): unknown
  write(stores: MutableStores): unknown
  read(stores: Stores): Promise<unknown>
  expected: unknown
}

const stored = (record: object) => ({ ...record, version: expect.any(Number) })
const storedTask = (given: Parameters<typeof scheduledTask.parse>[0]) => stored(scheduledTask.parse(given))
const jobIn = (role: string) => ({ role, environment: 'prod', name: 'hello' })

describeBeds(['in process', 'over HTTP'], (bed) => {
  const { storage } = bed
  const replays: (() => Promise<void>)[] = []
  let restarted: Storage

  beforeAll(async () => {
    for (const run of replays) await run()
    restarted = await openStorage(await bed.restarted())
  })

  /** Those of clients: a log begins with one of the node's own. */
  const operationsAfter = async (lsn: number): Promise<OperationName[][]> => {
    const theirs = (await transactionsOf(bed.node.log, lsn)).filter(({ actor }) => actor !== 'boreal')
    return theirs.map(({ results }) => results.map(({ op }) => op))
  }

  function replay(name: string, op: OperationName, { given, write, read, expected }: Replay): void {
    let written: Promise<OperationName[][]>
    const work = async () => {
      if (given !== undefined) await storage.write(async (stores) => void (await given(stores)))
      const lsn = bed.node.tailLsn
      await storage.write(async (stores) => void (await write(stores)))
      return operationsAfter(lsn)
    }
    replays.push(async () => {
      written = work()
      // What fails here is the failure of its own test.
      await written.catch(() => undefined)
    })
    test(`after a restart ${name}`, async () => {
      expect(await written).toEqual([[op]])
      const after = await restarted.consistentRead(read)
      expect(after).toEqual(expected)
      expect(after).toEqual(await storage.consistentRead(read))
    })
  }

  replay('the framework id is there [testSaveFrameworkId]', 'saveFrameworkId', {
    write: ({ scheduler }) => scheduler.saveFrameworkId('the framework'),
    read: ({ scheduler }) => scheduler.frameworkId(),
    expected: 'the framework',
  })

  const cronJob = (role: string) => ({
    key: jobIn(role),
    owner: { user: 'ann' },
    cronSchedule: '5 * * * *',
    cronCollisionPolicy: 'CANCEL_NEW' as const,
    taskConfig: { ...fullConfig, job: jobIn(role) },
    instanceCount: 5,
  })
  replay('a cron job is there [testSaveAcceptedJob]', 'saveCronJob', {
    write: ({ cronJobs }) => cronJobs.save(cronJob('cron')),
    read: ({ cronJobs }) => cronJobs.get(jobIn('cron')),
    expected: stored(jobConfiguration.parse(cronJob('cron'))),
  })
  replay('a removed cron job is gone [testRemoveJob]', 'removeCronJob', {
    given: ({ cronJobs }) => cronJobs.save(cronJob('cron-gone')),
    write: ({ cronJobs }) => cronJobs.remove(jobIn('cron-gone')),
    read: ({ cronJobs }) => cronJobs.get(jobIn('cron-gone')),
    expected: undefined,
  })

  replay('tasks are there [testSaveTasks]', 'saveTasks', {
    write: ({ tasks }) => tasks.save([fullTask('save-1'), taskIn('save', 'save-2')]),
    read: ({ tasks }) => tasks.fetch({ taskIds: ['save-1', 'save-2'] }),
    expected: [storedTask(fullTask('save-1')), storedTask(taskIn('save', 'save-2'))],
  })
  const event = { timestamp: 1_478_000_000_009, status: 'LOST' as const, message: 'no answer', scheduler: 's-1' }
  replay('tasks are as they were changed [testMutateTasks]', 'mutateTasks', {
    given: ({ tasks }) => tasks.save([taskIn('mutate', 'mutate-1'), taskIn('mutate', 'mutate-2')]),
    write: ({ tasks }) => tasks.mutateMany({ role: 'mutate' }, { status: 'LOST', slaveHost: 'mutate-h' }, event),
    read: ({ tasks }) => tasks.fetch({ slaveHosts: ['mutate-h'] }),
    expected: ['mutate-1', 'mutate-2'].map((taskId) => {
      const before = taskIn('mutate', taskId, { slaveHost: 'mutate-h', status: 'PENDING' })
      return storedTask({ ...before, status: 'LOST', taskEvents: [...before.taskEvents!, event] })
    }),
  })
  replay('a task has the config that it was given [testUnsafeModifyInPlace]', 'mutateTasks', {
    given: ({ tasks }) => tasks.save([taskIn('config', 'config-1')]),
    write: ({ tasks }) => tasks.mutateMany({ taskIds: ['config-1'] }, { task: fullConfig }),
    read: ({ tasks }) => tasks.get('config-1'),
    expected: storedTask(taskIn('config', 'config-1', { task: fullConfig })),
  })
  replay('tasks that a query removed are gone [testRemoveTasksQuery]', 'removeTasks', {
    given: ({ tasks }) => tasks.save([taskIn('query', 'query-1', { status: 'FAILED' }), taskIn('query', 'query-2')]),
    write: ({ tasks }) => tasks.remove({ role: 'query', statuses: ['FAILED'] }),
    read: ({ tasks }) => tasks.fetch({ role: 'query' }),
    expected: [storedTask(taskIn('query', 'query-2'))],
  })
  replay('tasks that were removed by id are gone [testRemoveTasksIds]', 'removeTasks', {
    given: ({ tasks }) => tasks.save(['ids-1', 'ids-2', 'ids-3'].map((id) => taskIn('ids', id))),
    write: ({ tasks }) => tasks.remove(['ids-1', 'ids-3']),
    read: ({ tasks }) => tasks.fetch({ role: 'ids' }),
    expected: [storedTask(taskIn('ids', 'ids-2'))],
  })

  replay('a quota is there [testSaveQuota]', 'saveQuota', {
    write: ({ quotas }) => quotas.save('quota', quota(1.5, '9223372036854775807', 3)),
    read: ({ quotas }) => quotas.get('quota'),
    expected: quota(1.5, '9223372036854775807', 3),
  })
  replay('a removed quota is gone [testRemoveQuota]', 'removeQuota', {
    given: ({ quotas }) => quotas.save('quota-gone', quota(1)),
    write: ({ quotas }) => quotas.remove('quota-gone'),
    read: ({ quotas }) => quotas.get('quota-gone'),
    expected: undefined,
  })

  const attributes = [{ name: 'rack', values: ['a', 'b'] }]
  replay('a host is there, its mode and agent, too [testSaveHostAttributes]', 'saveHostAttributes', {
    given: ({ hosts }) => hosts.save(host('host-1')),
    write: ({ hosts }) => hosts.save(host('host-1', { slaveId: 'agent-2', mode: 'DRAINING', attributes })),
    read: ({ hosts }) => hosts.get('host-1'),
    expected: stored(host('host-1', { slaveId: 'agent-2', mode: 'DRAINING', attributes })),
  })

  replay('a removed host is gone', 'removeHostAttributes', {
    given: ({ hosts }) => hosts.save(host('host-gone')),
    write: ({ hosts }) => hosts.remove('host-gone'),
    read: ({ hosts }) => hosts.get('host-gone'),
    expected: undefined,
  })

  const request = (name: string) => ({
    host: name,
    defaultSlaPolicy: { coordinator: { coordinatorUrl: 'http://c', statusKey: 'drain' } },
    timeoutSecs: 1_800,
    createdTimestampMs: 1_478_000_000_000,
  })
  replay('a maintenance request is there [testSaveHostMaintenanceRequest]', 'saveHostMaintenanceRequest', {
    write: ({ hostMaintenance }) => hostMaintenance.save(request('drain')),
    read: ({ hostMaintenance }) => hostMaintenance.get('drain'),
    expected: stored(request('drain')),
  })
  replay('a removed maintenance request is gone [testRemoveHostMaintenanceRequest]', 'removeHostMaintenanceRequest', {
    given: ({ hostMaintenance }) => hostMaintenance.save(request('drained')),
    write: ({ hostMaintenance }) => hostMaintenance.remove('drained'),
    read: ({ hostMaintenance }) => hostMaintenance.get('drained'),
    expected: undefined,
  })

  const lock = (role: string) => {
    return { key: { job: jobIn(role) }, token: `of ${role}`, user: 'ann', timestampMs: 7, message: 'deploying' }
  }
  replay('a lock is there [testSaveLock]', 'saveLock', {
    write: ({ locks }) => locks.save(lock('lock')),
    read: ({ locks }) => locks.get(jobIn('lock')),
    expected: stored(lock('lock')),
  })
  replay('a removed lock is gone [testRemoveLock]', 'removeLock', {
    given: ({ locks }) => locks.save(lock('lock-gone')),
    write: ({ locks }) => locks.remove({ job: jobIn('lock-gone') }),
    read: ({ locks }) => locks.get(jobIn('lock-gone')),
    expected: undefined,
  })

  const details = (update: unknown, updateEvents: object[] = [], instanceEvents: object[] = []) =>
    stored({ update, updateEvents, instanceEvents })
  replay('an update is there [testSaveUpdate, testSaveUpdateWithNullLockToken]', 'saveJobUpdate', {
    write: ({ jobUpdates }) => jobUpdates.save(fullUpdate(updateKey('update'))),
    read: ({ jobUpdates }) => jobUpdates.details(updateKey('update')),
    expected: details(storedUpdate(fullUpdate(updateKey('update')))),
  })
  replay('an update is there that was saved with the token of a lock [testSaveUpdateWithLockToken]', 'saveJobUpdate', {
    given: ({ locks }) => locks.save(lock('update-lock')),
    write: ({ jobUpdates }) => jobUpdates.save(updateOf(updateKey('update-lock')), 'of update-lock'),
    read: ({ jobUpdates }) => jobUpdates.details(updateKey('update-lock')),
    expected: details(storedUpdate(updateOf(updateKey('update-lock')))),
  })
  const went = { status: 'ROLL_FORWARD_PAUSED' as const, timestampMs: 5, user: 'ann', message: 'lunch', id: 'e-1' }
  replay('an event of an update is there [testSaveJobUpdateEvent]', 'saveJobUpdateEvent', {
    given: ({ jobUpdates }) => jobUpdates.save(updateOf(updateKey('event'))),
    write: ({ jobUpdates }) => jobUpdates.saveEvent(updateKey('event'), went),
    read: ({ jobUpdates }) => jobUpdates.details(updateKey('event')),
    expected: details(
      storedUpdate(updateOf(updateKey('event')), { status: 'ROLL_FORWARD_PAUSED', created: 5, modified: 5 }),
      [went],
    ),
  })
  const done = { instanceId: 2, timestampMs: 8, action: 'INSTANCE_UPDATED' as const, message: 'up', id: 'e-2' }
  replay('an event of an instance is there [testSaveJobInstanceUpdateEvent]', 'saveJobInstanceUpdateEvent', {
    given: ({ jobUpdates }) => {
      jobUpdates.save(updateOf(updateKey('instance')))
      jobUpdates.saveEvent(updateKey('instance'), went)
    },
    write: ({ jobUpdates }) => jobUpdates.saveInstanceEvent(updateKey('instance'), done),
    read: ({ jobUpdates }) => jobUpdates.details(updateKey('instance')),
    expected: details(
      storedUpdate(updateOf(updateKey('instance')), { status: 'ROLL_FORWARD_PAUSED', created: 5, modified: 8 }),
      [went],
      [done],
    ),
  })
  const both = ['u-1', 'u-2'].map((id) => updateKey('update-gone', id))
  replay('a removed update stays removed [testRemoveJobUpdates]', 'removeJobUpdates', {
    given: ({ jobUpdates }) => {
      for (const key of both) jobUpdates.save(updateOf(key))
      jobUpdates.saveEvent(both[0]!, went)
    },
    write: ({ jobUpdates }) => jobUpdates.remove([both[0]!]),
    read: ({ jobUpdates }) => jobUpdates.fetch({ role: 'update-gone' }),
    expected: [details(storedUpdate(updateOf(both[1]!)))],
  })
  const ended = ['u-1', 'u-2'].map((id) => updateKey('prune', id))
  replay('what was pruned stays pruned [testPruneHistory]', 'pruneJobUpdates', {
    given: ({ jobUpdates }) => {
      for (const [index, key] of ended.entries()) {
        jobUpdates.save(updateOf(key))
        jobUpdates.saveEvent(key, { status: 'ROLLED_FORWARD', timestampMs: 10 + index })
      }
    },
    write: ({ jobUpdates }) => jobUpdates.prune({ perJobRetainCount: 1, historyPruneThresholdMs: 0 }),
    read: async ({ jobUpdates }) => (await jobUpdates.summaries({ role: 'prune' })).map(({ key }) => key.id),
    expected: ['u-2'],
  })

  test('everything is as it was, and there was an operation of every kind [testStart]', async () => {
    const fresh = await bed.restarted()
    expect(await fresh.digest()).toEqual(await bed.node.digest())
    expect(await everything(await openStorage(fresh))).toEqual(await everything(storage))
    const written = new Set((await operationsAfter(0)).flat())
    expect([...written].sort()).toEqual(operation.options.map(({ shape }) => shape.op.value).sort())
  })
})
