import { afterAll, describe, expect, test } from 'vitest'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { memoryNode } from '../support/memory-node.ts'
import { config } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { configIn, TaskStore, taskIn } from '../support/task-store.ts'
import { memoryApi, serveNode } from '../support/test-api.ts'
import { DEFAULT_SETTINGS, update } from '../support/update-records.ts'

/** Limits of what a job may have and an update may ask for, at their boundary: three tasks and six failures. */

const limits = { maxTasksPerJob: 3, maxUpdateInstanceFailures: 6 }
const api = await memoryApi({ limits, cleanup: afterAll })
const tasks = new TaskStore(api)
const updates = new JobUpdateStore(api)

const named = (role: string, from: number, count: number, overrides = {}) =>
  Array.from({ length: count }, (_, index) => taskIn(role, `${role}-${from + index}`, overrides))

const saveTasks = (...saved: unknown[]) => ({ op: 'saveTasks', tasks: saved })

async function refused(...operations: unknown[]): Promise<string> {
  const { body } = await expectRefused(api, 'constraint_violation', () => api.transact(operations))
  return body.detail
}

const active = async (role: string) => (await api.get(`/v1/jobs/${role}/prod/hello`)).body.active

describe('active tasks of a job', () => {
  test('as many as the limit are taken, one more is not, at once or one by one', async () => {
    expect(await refused(saveTasks(...named('once', 0, 4)))).toContain('once/prod/hello would have 4 active tasks')
    await tasks.save(...named('once', 0, 3))
    expect(await refused(saveTasks(...named('once', 3, 1)))).toContain('more than the 3')
    expect(await active('once')).toBe(3)
  })

  test('the tasks of a transaction count together, and those it removes do not', async () => {
    await tasks.save(...named('together', 0, 2))
    await refused(saveTasks(...named('together', 2, 1)), saveTasks(...named('together', 3, 1)))
    const swap = [{ op: 'removeTasks', taskIds: ['together-0'] }, saveTasks(...named('together', 2, 2))]
    expect((await api.transact(swap)).status).toBe(200)
    expect(await active('together')).toBe(3)
  })

  test('of many who want the last places at once, as many get one as there are', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => api.transact([saveTasks(...named('race', index, 1))])),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
    expect(await active('race')).toBe(3)
  })

  test('a task that is saved as INIT, to be made PENDING in the next step, counts', async () => {
    await tasks.save(...named('init', 0, 3, { status: 'INIT' }))
    await refused(saveTasks(...named('init', 3, 1, { status: 'INIT' })))
    await tasks.mutate({ role: 'init' }, { status: 'PENDING' })
    expect(await active('init')).toBe(3)
  })

  test('terminal tasks do not count, and a task that ends makes room', async () => {
    await tasks.save(...named('terminal', 0, 5, { status: 'FINISHED' }), ...named('terminal', 5, 3))
    await refused(saveTasks(...named('terminal', 8, 1)))
    await tasks.save(...named('terminal', 8, 2, { status: 'LOST' }))
    await tasks.mutate({ taskIds: ['terminal-5'] }, { status: 'FAILED' })
    await tasks.save(...named('terminal', 10, 1))
    expect(await active('terminal')).toBe(3)
  })

  test('a task that is saved as alive again counts again', async () => {
    await tasks.save(...named('revived', 0, 3), ...named('revived', 3, 1, { status: 'LOST' }))
    await refused(saveTasks(...named('revived', 3, 1)))
  })

  test('each job counts by itself, and a task that moves counts where it arrives', async () => {
    await tasks.save(...named('moves-a', 0, 3))
    await tasks.save(...named('moves-b', 0, 3))
    await refused({ op: 'mutateTasks', query: { taskIds: ['moves-a-0'] }, patch: { task: configIn('moves-b') } })
    await tasks.remove('moves-b-0')
    await tasks.mutate({ taskIds: ['moves-a-0'] }, { task: configIn('moves-b') })
    expect([await active('moves-a'), await active('moves-b')]).toEqual([2, 3])
  })

  test('a job that is over the limit already can be changed and made smaller, and not larger', async () => {
    // Such a job comes from a time when the limit was higher.
    const first = await memoryNode({ limits: { maxTasksPerJob: 5 } })
    await new TaskStore(await serveNode(first.node)).save(...named('over', 0, 5))
    await first.node.close()
    const { node } = await memoryNode({ limits, table: first.table, storeId: first.storeId })
    const api = await serveNode(node)
    const store = new TaskStore(api)
    expect(await store.mutate({ role: 'over' }, { status: 'RUNNING', slaveHost: 'h' })).toHaveLength(5)
    await store.save(...named('over', 0, 5, { status: 'ASSIGNED' }))
    await expectRefused(api, 'constraint_violation', () => api.transact([saveTasks(...named('over', 5, 1))]))
    await store.remove('over-0')
    // Still over it: whoever goes may not be replaced.
    await expectRefused(api, 'constraint_violation', () => api.transact([saveTasks(...named('over', 5, 1))]))
    await store.save(...named('over', 1, 2, { status: 'FINISHED' }))
    await store.save(...named('over', 5, 1))
    expect(await store.ids('role=over&active=true')).toHaveLength(3)
  })
})

describe('instances that are asked for', () => {
  const cronJob = (role: string, instanceCount: number) => ({
    op: 'saveCronJob',
    jobConfiguration: { key: keyIn(role).job, taskConfig: configIn(role), instanceCount },
  })
  const asking = (role: string, ranges: [number, number][], settings: object = {}) => ({
    op: 'saveJobUpdate',
    jobUpdate: update(keyIn(role), {
      instructions: {
        desiredState: { task: configIn(role), instances: ranges.map(([first, last]) => ({ first, last })) },
        settings: { ...DEFAULT_SETTINGS, ...settings },
      },
    }),
  })

  test('by a cron job: as many as the limit, not one more', async () => {
    expect(await refused(cronJob('cron', 4))).toContain('asks for 4')
    expect((await api.transact([cronJob('cron', 3)])).status).toBe(200)
  })

  test.each([
    ['one range', [[0, 2]], [[0, 3]]],
    ['a range far up', [[2_147_483_645, 2_147_483_647]], [[2_147_483_644, 2_147_483_647]]],
    ['all there are', [[0, 0]], [[0, 2_147_483_647]]],
    [
      'several ranges',
      [
        [0, 0],
        [5, 5],
        [9, 9],
      ],
      [
        [0, 1],
        [5, 5],
        [9, 9],
      ],
    ],
    [
      'ranges that overlap count once',
      [
        [0, 2],
        [1, 2],
        [0, 1],
      ],
      [
        [0, 2],
        [1, 3],
      ],
    ],
    [
      'a range inside of one',
      [
        [0, 2],
        [1, 1],
      ],
      [
        [0, 3],
        [1, 1],
      ],
    ],
  ] as [string, [number, number][], [number, number][]][])(
    'by an update: as many as the limit, not one more: %s',
    async (name, most, more) => {
      const role = `asks-${name.replaceAll(' ', '-')}`
      await refused(asking(role, more))
      expect((await api.transact([asking(role, most)])).status).toBe(200)
    },
  )

  test('what an update begins with does not count', async () => {
    const jobUpdate = update(keyIn('begins'), {
      instructions: {
        initialState: [{ task: configIn('begins'), instances: [{ first: 0, last: 99 }] }],
        desiredState: null,
        settings: { ...DEFAULT_SETTINGS, maxPerInstanceFailures: 100 },
      },
    })
    await updates.save(jobUpdate)
  })

  test('an update tolerates as many failures in all as the limit, not one more', async () => {
    const role = 'failures'
    expect(await refused(asking(role, [[0, 2]], { maxPerInstanceFailures: 3 }))).toContain('tolerates 9 failures')
    expect(await refused(asking(role, [[0, 0]], { maxPerInstanceFailures: 7 }))).toContain('more than 6')
    expect(await refused(asking(role, [[0, 2]], { maxPerInstanceFailures: 2 ** 31 - 1 }))).toContain('more than 6')
    expect((await api.transact([asking(role, [[0, 2]], { maxPerInstanceFailures: 2 })])).status).toBe(200)
  })
})

test('by default a job may have 4,000 active tasks, and an update 20,000 failures (max_tasks_per_job, max_update_instance_failures)', async () => {
  const api = await memoryApi()
  const asking = (last: number, maxPerInstanceFailures: number) => ({
    op: 'saveJobUpdate',
    jobUpdate: update(keyIn('default', `u${last}`), {
      instructions: {
        desiredState: { task: config({ job: keyIn('default').job }), instances: [{ first: 0, last }] },
        settings: { ...DEFAULT_SETTINGS, maxPerInstanceFailures },
      },
    }),
  })
  await expectRefused(api, 'constraint_violation', () => api.transact([asking(4_000, 0)]))
  await expectRefused(api, 'constraint_violation', () => api.transact([asking(3_999, 6)]))
  expect((await api.transact([asking(3_999, 5)])).status).toBe(200)
  const small = (count: number, from = 0) => ({
    op: 'saveTasks',
    tasks: Array.from({ length: count }, (_, index) => ({
      assignedTask: { taskId: `t${from + index}`, instanceId: 0, task: { job: keyIn('default').job } },
      status: 'PENDING',
    })),
  })
  await expectRefused(api, 'constraint_violation', () => api.transact([small(4_001)]))
  expect((await api.transact([small(4_000)])).status).toBe(200)
  await expectRefused(api, 'constraint_violation', () => api.transact([small(1, 4_000)]))
})
