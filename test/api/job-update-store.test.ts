import { afterAll, describe, expect, test } from 'vitest'
import { jobInstanceUpdateEvent, jobUpdate, jobUpdateEvent } from '../../lib/model/job-update.ts'
import { assertFullyPopulated } from '../support/fully-populated.ts'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { config } from '../support/records.ts'
import { expectRefused } from '../support/refused.ts'
import { memoryApi } from '../support/test-api.ts'
import { DEFAULT_SETTINGS, fullJobUpdate, instanceEvent, update, updateEvent } from '../support/update-records.ts'

/**
 * Saving updates: Aurora's AbstractJobUpdateStoreTest, and DbJobUpdateStoreTest of its relational store,
 * through HTTP with the name of the case. Removing them, events, queries and
 * pruning are in the files beside this one.
 */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new JobUpdateStore(api)

const instances = [{ first: 0, last: 2 }]
const taskOf = (role: string) => config({ job: keyIn(role).job })
const saveUpdate = (role: string, instructions: object) => ({
  op: 'saveJobUpdate',
  jobUpdate: update(keyIn(role), { instructions }),
})

describe('saving', () => {
  test('an update comes back with every field, its state from its events (testSaveJobUpdates)', async () => {
    const key = keyIn('save')
    const saved = fullJobUpdate(key)
    assertFullyPopulated(jobUpdate, saved, ['summary.state'])
    expect((await store.get(key)).body.code).toBe('not_found')
    await store.save(saved)
    const first = updateEvent('ROLLING_FORWARD', 1, { id: 'e1', user: 'ann', message: 'begins' })
    const second = instanceEvent(3, 'INSTANCE_UPDATING', 2, { id: 'i1', message: 'restarts' })
    assertFullyPopulated(jobUpdateEvent, first)
    assertFullyPopulated(jobInstanceUpdateEvent, second)
    expect(await store.addEvents(key, first)).toBe(1)
    expect(await store.addInstanceEvents(key, second)).toBe(1)
    const state = { status: 'ROLLING_FORWARD', createdTimestampMs: 1, lastModifiedTimestampMs: 2 }
    const { lsn } = await api.state()
    expect(await store.fetch(key)).toEqual({
      update: { summary: { ...saved.summary, state }, instructions: saved.instructions },
      updateEvents: [first],
      instanceEvents: [second],
      version: lsn,
    })
    expect(await api.list('/v1/job-updates?role=save')).toEqual([{ ...saved.summary, state, version: lsn }])
  })

  test('an update without events has no state, and is read and listed (testSaveJobUpdateWithoutEventFailsSelect)', async () => {
    const key = keyIn('no-events')
    const version = await store.save(update(key))
    expect(await store.fetch(key)).toEqual({
      ...{ update: update(key), updateEvents: [], instanceEvents: [], version },
    })
    expect(await api.list('/v1/job-updates?role=no-events')).toEqual([{ ...update(key).summary, version }])
  })

  test('an update that exists is not saved again, and stays as it is (testSaveJobUpdateTwiceThrows)', async () => {
    const key = keyIn('twice')
    await store.save(key)
    await store.addEvents(key, updateEvent('ROLLING_FORWARD', 1))
    const before = await store.fetch(key)
    for (const again of [update(key), fullJobUpdate(key)]) {
      await expectRefused(api, 'already_exists', () => api.transact([{ op: 'saveJobUpdate', jobUpdate: again }]))
    }
    expect(await store.fetch(key)).toEqual(before)
  })

  test('two saves of one update in one transaction are refused as a whole (testSaveJobUpdateTwiceThrows)', async () => {
    const operations = [1, 2].map(() => ({ op: 'saveJobUpdate', jobUpdate: update(keyIn('twice-in-one')) }))
    await expectRefused(api, 'already_exists', () => api.transact(operations))
    expect((await store.get(keyIn('twice-in-one'))).status).toBe(404)
  })

  test('the largest resources survive (testSaveJobUpdateWithLargeTaskConfigValues, AURORA-1494)', async () => {
    const key = keyIn('large')
    const greatest = '9223372036854775807'
    const resources = [{ diskMb: greatest }, { numCpus: Number.MAX_VALUE }, { numGpus: greatest }, { ramMb: greatest }]
    const saved = update(key, {
      instructions: {
        initialState: [{ task: config({ job: key.job, resources, priority: 2 ** 31 - 1 }), instances }],
        desiredState: { task: config({ job: key.job, resources, priority: -(2 ** 31) }), instances },
      },
    })
    await store.save(saved)
    expect((await store.fetch(key)).update).toEqual(saved)
  })

  test.each([
    ['null', { initialState: null }],
    ['left out', { initialState: undefined }],
    ['empty', { initialState: [] }],
  ])('an initial state that is %s comes back as none (testSaveNullInitialState)', async (name, initialState) => {
    const key = keyIn(`no-initial-${name.replace(' ', '-')}`)
    await store.save(update(key, { instructions: initialState }))
    expect((await store.fetch(key)).update.instructions.initialState).toEqual([])
  })

  test.each([
    ['null', { desiredState: null }],
    ['left out', { desiredState: undefined }],
  ])('a desired state that is %s is not there (testSaveNullDesiredState)', async (name, desiredState) => {
    const key = keyIn(`no-desired-${name.replace(' ', '-')}`)
    const initialState = [{ task: taskOf(key.job.role), instances }]
    await store.save(update(key, { instructions: { initialState, ...desiredState } }))
    expect((await store.fetch(key)).update.instructions).toEqual({ initialState, settings: DEFAULT_SETTINGS })
  })

  test.each([
    ['an empty list', []],
    ['null', null],
    ['nothing', undefined],
  ])(
    '%s as restriction means all instances (testSaveJobUpdateEmptyInstanceOverrides, testSaveJobUpdateNullInstanceOverrides)',
    async (name, updateOnlyTheseInstances) => {
      const key = keyIn(`overrides-${name.replaceAll(' ', '-')}`)
      await store.save(update(key, { instructions: { settings: { ...DEFAULT_SETTINGS, updateOnlyTheseInstances } } }))
      expect((await store.fetch(key)).update.instructions.settings).toEqual(DEFAULT_SETTINGS)
    },
  )

  test('settings that are left out have their defaults', async () => {
    const key = keyIn('settings')
    await store.save(update(key, { instructions: { settings: undefined } }))
    expect((await store.fetch(key)).update.instructions.settings).toEqual(DEFAULT_SETTINGS)
  })

  test.each([
    ['queue', { queue: { groupSize: 3 } }],
    ['batch', { batch: { groupSize: 3, autopauseAfterBatch: true } }],
    ['varBatch', { varBatch: { groupSizes: [3, 1, 2, 1], autopauseAfterBatch: false } }],
  ])('the strategy %s is kept, sizes in their order', async (name, updateStrategy) => {
    const key = keyIn(`strategy-${name}`)
    await store.save(update(key, { instructions: { settings: { ...DEFAULT_SETTINGS, updateStrategy } } }))
    expect((await store.fetch(key)).update.instructions.settings).toEqual({ ...DEFAULT_SETTINGS, updateStrategy })
  })

  test.each([
    ['well formed', { status: 'ROLLED_BACK', createdTimestampMs: 9, lastModifiedTimestampMs: 9 }],
    ['of any shape', { whatever: [null] }],
    ['null', null],
  ])('a state that is given is not looked at: %s (testSaveJobUpdateStateIgnored)', async (name, state) => {
    const key = keyIn(`state-${name.replaceAll(' ', '-')}`)
    const given = update(key)
    await store.save({ ...given, summary: { ...given.summary, state } })
    expect((await store.fetch(key)).update.summary).toEqual(given.summary)
    await store.addEvents(key, updateEvent('ABORTED', 567))
    expect(await store.state(key)).toEqual({
      ...{ status: 'ABORTED', createdTimestampMs: 567, lastModifiedTimestampMs: 567 },
    })
  })

  test('pairs with one key are both kept (testSaveJobUpdateWithDuplicateMetadataKeys)', async () => {
    const metadata = [
      { key: 'k1', value: 'v1' },
      { key: 'k1', value: 'v2' },
    ]
    const given = update(keyIn('metadata'))
    await store.save({ ...given, summary: { ...given.summary, metadata: [...metadata].reverse() } })
    expect((await store.fetch(keyIn('metadata'))).update.summary.metadata).toEqual(metadata)
  })

  test.each([
    ['with a space', 'two words'],
    ['with slashes', 'a/b//c/'],
    ['that is a step up in paths', '..'],
    ['that is a step in paths', '.'],
    ['that is the end of another path', 'u/instance-events'],
    ['in other scripts', 'обновление 更新 😀'],
    ['with what URLs reserve', '?#%2F&=+;%'],
    ['with quotes and line ends', `'";\n\r\t\\`],
    ['of 255 bytes', 'x'.repeat(255)],
  ])('an id %s names its update in paths, lists and keys', async (name, id) => {
    const key = keyIn('ids', id)
    const version = await store.save(key)
    expect((await store.fetch(key)).update.summary.key, name).toEqual(key)
    await store.addInstanceEvents(key, instanceEvent(1, 'INSTANCE_UPDATED', 1))
    expect((await store.get(key, '/instance-events')).body.items).toHaveLength(1)
    expect((await store.get(key, '/progress')).body.key).toEqual(key)
    expect(await store.ids('role=ids')).toEqual([id])
    const preconditions = [{ entity: 'jobUpdate', key: `ids/prod/hello/${id}`, exists: true }]
    expect((await api.transact([], { preconditions })).body.lsn).toBeGreaterThan(version)
    expect(await store.remove(key)).toEqual([id])
  })
})

describe('what an update must have', () => {
  test('a desired or an initial state (testSaveBothInitialAndDesiredMissingThrows)', async () => {
    for (const none of [
      { initialState: null, desiredState: null },
      { initialState: [], desiredState: undefined },
    ]) {
      const path = 'operations.0.jobUpdate.instructions'
      await expectRefused(api, 'invalid_field', () => api.transact([saveUpdate('neither', none)]), path)
    }
  })

  test.each([
    ['a task in an initial state (testSaveNullInitialStateTaskThrows)', 'initialState.0.task', { task: null }],
    [
      'instances in an initial state (testSaveEmptyInitialStateRangesThrows)',
      'initialState.0.instances',
      { instances: [] },
    ],
    ['a task in the desired state (testSaveNullDesiredStateTaskThrows)', 'desiredState.task', { task: null }],
    [
      'instances in the desired state (testSaveEmptyDesiredStateRangesThrows)',
      'desiredState.instances',
      { instances: [] },
    ],
  ])('%s', async (_name, path, change) => {
    const state = { task: taskOf('incomplete'), instances, ...change }
    const instructions = path.startsWith('initial') ? { initialState: [state] } : { desiredState: state }
    const place = `operations.0.jobUpdate.instructions.${path}`
    await expectRefused(api, 'invalid_field', () => api.transact([saveUpdate('incomplete', instructions)]), place)
  })
})

test('a job shows the update that goes on, until it ends; of several the one modified last', async () => {
  const summary = async () => (await api.get('/v1/jobs/active/prod/hello')).body
  const [one, two] = [keyIn('active', 'u1'), keyIn('active', 'u2')]
  await store.save(fullJobUpdate(one))
  expect(await summary()).toMatchObject({ key: one.job, tasks: {}, active: 0, terminal: 0 })
  expect(await summary()).not.toHaveProperty('activeUpdate')
  await store.addEvents(one, updateEvent('ROLLING_FORWARD', 10))
  const state = { status: 'ROLLING_FORWARD', createdTimestampMs: 10, lastModifiedTimestampMs: 10 }
  expect((await summary()).activeUpdate).toEqual({ ...fullJobUpdate(one).summary, state })
  await store.save(two)
  await store.addEvents(two, updateEvent('ROLL_FORWARD_PAUSED', 5))
  expect((await summary()).activeUpdate.key).toEqual(one)
  await store.addInstanceEvents(two, instanceEvent(0, 'INSTANCE_UPDATING', 11))
  expect((await summary()).activeUpdate.key).toEqual(two)
  await store.addEvents(two, updateEvent('ROLLED_FORWARD', 12))
  expect((await summary()).activeUpdate.key).toEqual(one)
  await store.addEvents(one, updateEvent('FAILED', 13))
  expect(await summary()).not.toHaveProperty('activeUpdate')
  await store.remove(one, two)
  expect((await api.get('/v1/jobs/active/prod/hello')).status).toBe(404)
})
