import { afterAll, afterEach, expect, test } from 'vitest'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { memoryApi } from '../support/test-api.ts'
import { instanceEvent, update, updateEvent } from '../support/update-records.ts'

/** Pruning updates: the matrix of Aurora's DbJobUpdateStoreTest.testPruneHistory and more. It concerns all jobs. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new JobUpdateStore(api)

afterEach(async () => {
  const keys = (await api.list('/v1/job-updates')).map(({ key }) => key)
  if (keys.length > 0) await store.remove(...keys)
})

/** Four updates of one job and one of another that have ended, and one of each that goes on. */
const UPDATES = [
  ['one', 'u1', 'ROLLED_BACK', 120],
  ['one', 'u2', 'ABORTED', 123],
  ['one', 'u3', 'ERROR', 124],
  ['one', 'u4', 'FAILED', 125],
  ['two', 'v1', 'ROLLED_FORWARD', 126],
  ['one', 'active', 'ROLLING_FORWARD', 1],
  ['two', 'paused', 'ROLL_BACK_PAUSED', 2],
] as const

test.each([
  [4, 119, []],
  [3, 119, ['one/u1']],
  [2, 119, ['one/u1', 'one/u2']],
  [1, 119, ['one/u1', 'one/u2', 'one/u3']],
  [0, 119, ['one/u1', 'one/u2', 'one/u3', 'one/u4', 'two/v1']],
  [4, 120, ['one/u1']],
  [3, 120, ['one/u1']],
  [2, 120, ['one/u1', 'one/u2']],
  [4, 125, ['one/u1', 'one/u2', 'one/u3', 'one/u4']],
  [9, 126, ['one/u1', 'one/u2', 'one/u3', 'one/u4', 'two/v1']],
  [2_147_483_647, '-9223372036854775808', []],
  [2_147_483_647, '9223372036854775807', ['one/u1', 'one/u2', 'one/u3', 'one/u4', 'two/v1']],
])(
  'keeping %i of a job, and none created up to %s, removes %j (testPruneHistory)',
  async (retain, threshold, expected) => {
    const role = 'matrix'
    for (const [name, id, status, created] of UPDATES) {
      const key = keyIn(role, id, name)
      await store.save(key)
      // Created is the first event, whatever came later and however the end was reached.
      await store.addEvents(key, updateEvent(status, 900), updateEvent('ROLLING_FORWARD', created))
    }
    expect(await store.prune(retain, threshold)).toEqual(expected.map((text) => `matrix/prod/${text}`))
    const left = UPDATES.filter(([name, id]) => !expected.includes(`${name}/${id}` as never)).map(([, id]) => id)
    expect((await store.ids('role=matrix')).sort()).toEqual(left.toSorted())
  },
)

test('an update without events is not pruned, and does not count among the newest', async () => {
  await store.save(keyIn('no-events', 'new'))
  await store.save(keyIn('no-events', 'ended'))
  await store.addEvents(keyIn('no-events', 'ended'), updateEvent('FAILED', 1))
  expect(await store.prune(1, 0)).toEqual([])
  expect(await store.prune(0, 0)).toEqual(['no-events/prod/hello/ended'])
  expect(await store.ids('role=no-events')).toEqual(['new'])
})

test('what is pruned is gone with its events and configs, and pruning again changes nothing', async () => {
  const key = keyIn('gone')
  await store.save(key)
  await store.addEvents(key, updateEvent('FAILED', 1))
  await store.addInstanceEvents(key, instanceEvent(0, 'INSTANCE_UPDATED', 1))
  expect(await store.prune(0, 0)).toEqual(['gone/prod/hello/u'])
  expect((await store.get(key)).status).toBe(404)
  const left = await api.query(`select 1 from job_update_event where update_key like 'gone/%' union all
    select 1 from job_instance_update_event where update_key like 'gone/%' union all
    select 1 from task_config where config -> 'job' ->> 'role' = 'gone'`)
  expect(left.body.rows).toEqual([])
  const before = await api.state()
  expect(await store.prune(0, 0)).toEqual([])
  expect(await api.state()).toEqual(before)
})

test('pruning sees what its transaction did before', async () => {
  const [ended, ends, gone, begins] = ['ended', 'ends', 'gone', 'begins'].map((id) => keyIn('within', id))
  for (const key of [ended!, ends!, gone!]) await store.save(key)
  await store.addEvents(ended!, updateEvent('ABORTED', 1))
  await store.addEvents(ends!, updateEvent('ROLLING_FORWARD', 1))
  await store.addEvents(gone!, updateEvent('ABORTED', 1))
  const { body } = await api.transact([
    { op: 'saveJobUpdateEvent', key: ends, event: updateEvent('FAILED', 2) },
    { op: 'saveJobUpdateEvent', key: ended, event: updateEvent('ROLLING_BACK', 2) },
    { op: 'removeJobUpdates', keys: [gone] },
    { op: 'saveJobUpdate', jobUpdate: update(begins!) },
    { op: 'saveJobUpdateEvent', key: begins, event: updateEvent('ROLLED_FORWARD', 2) },
    { op: 'pruneJobUpdates', perJobRetainCount: 0, historyPruneThresholdMs: 0 },
  ])
  expect(body.results[5].keys.map(({ id }: { id: string }) => id).sort()).toEqual(['begins', 'ends'])
  expect(await store.ids('role=within')).toEqual(['ended'])
})

test('of updates created at one time the last by key go first, so every store would choose alike', async () => {
  for (const id of ['c', 'a', 'd', 'b']) {
    await store.save(keyIn('tied', id))
    await store.addEvents(keyIn('tied', id), updateEvent('FAILED', 1))
  }
  expect(await store.prune(2, 0)).toEqual(['tied/prod/hello/c', 'tied/prod/hello/d'])
})
