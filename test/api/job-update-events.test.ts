import { afterAll, describe, expect, test } from 'vitest'
import { JOB_UPDATE_ACTIONS, JOB_UPDATE_STATUSES } from '../../lib/model/job-update-status.ts'
import { JobUpdateStore, keyIn } from '../support/job-update-store.ts'
import { memoryNode } from '../support/memory-node.ts'
import { expectRefused } from '../support/refused.ts'
import { entriesOf } from '../support/state.ts'
import { memoryApi, serveNode } from '../support/test-api.ts'
import { instanceEvent, update, updateEvent } from '../support/update-records.ts'

/** Events of updates and of their instances: order, and the state that follows from them. */

const api = await memoryApi({ readers: 1, cleanup: afterAll })
const store = new JobUpdateStore(api)

const MIN = '-9223372036854775808'
const MAX = '9223372036854775807'

/** A new update in a role of the test's own. */
async function fresh(role: string, id = 'u') {
  const key = keyIn(role, id)
  await store.save(key)
  return key
}

const state = (status: string, createdTimestampMs: number | string, lastModifiedTimestampMs: number | string) => ({
  ...{ status, createdTimestampMs, lastModifiedTimestampMs },
})

describe('the state of an update follows from its events', () => {
  test('each event advances it (testSaveJobEvents)', async () => {
    const key = await fresh('job-events')
    expect(await store.state(key)).toBeUndefined()
    for (const [index, status] of JOB_UPDATE_STATUSES.entries()) {
      await store.addEvents(key, updateEvent(status, 123 + index))
      expect(await store.state(key)).toEqual(state(status, 123, 123 + index))
    }
    const { updateEvents } = await store.fetch(key)
    expect(updateEvents).toEqual(JOB_UPDATE_STATUSES.map((status, index) => updateEvent(status, 123 + index)))
  })

  test('events of instances modify it and leave status and creation (testSaveInstanceEvents)', async () => {
    const key = await fresh('instance-events')
    for (const [index, action] of JOB_UPDATE_ACTIONS.entries()) {
      await store.addInstanceEvents(key, instanceEvent(index, action, 100 + index))
    }
    expect(await store.state(key)).toBeUndefined()
    await store.addEvents(key, updateEvent('ROLLING_FORWARD', 50))
    expect(await store.state(key)).toEqual(state('ROLLING_FORWARD', 50, 105))
    await store.addInstanceEvents(key, instanceEvent(0, 'INSTANCE_UPDATED', 40))
    expect(await store.state(key)).toEqual(state('ROLLING_FORWARD', 50, 105))
    const { instanceEvents } = await store.fetch(key)
    expect(instanceEvents.map((event: { action: string }) => event.action)).toEqual([
      'INSTANCE_UPDATED',
      ...JOB_UPDATE_ACTIONS,
    ])
  })

  test('events of two updates do not mix, and each instance keeps its order (testMultipleJobDetails)', async () => {
    const [one, two] = [await fresh('multiple', 'u1'), await fresh('multiple', 'u2')]
    await store.addEvents(one, updateEvent('ROLLING_FORWARD', 100))
    await store.addEvents(two, updateEvent('ROLL_FORWARD_PAUSED', 200))
    expect(await store.ids('role=multiple')).toEqual(['u2', 'u1'])
    await store.addInstanceEvents(
      one,
      instanceEvent(3, 'INSTANCE_UPDATING', 300),
      instanceEvent(4, 'INSTANCE_UPDATING', 301),
    )
    expect(await store.ids('role=multiple')).toEqual(['u1', 'u2'])
    await store.addEvents(two, updateEvent('ROLLING_FORWARD', 400), updateEvent('ABORTED', 500))
    await store.addInstanceEvents(two, instanceEvent(3, 'INSTANCE_ROLLING_BACK', 450))
    await store.addInstanceEvents(one, instanceEvent(3, 'INSTANCE_UPDATED', 302))
    expect(await store.ids('role=multiple')).toEqual(['u2', 'u1'])
    expect(await store.state(one)).toEqual(state('ROLLING_FORWARD', 100, 302))
    expect(await store.state(two)).toEqual(state('ABORTED', 200, 500))
    const times = (events: { timestampMs: number }[]) => events.map(({ timestampMs }) => timestampMs)
    const [first, second] = [await store.fetch(one), await store.fetch(two)]
    expect([times(first.updateEvents), times(first.instanceEvents)]).toEqual([[100], [300, 301, 302]])
    expect([times(second.updateEvents), times(second.instanceEvents)]).toEqual([[200, 400, 500], [450]])
    const { items } = (await store.get(one, '/instance-events?instanceId=3')).body
    expect(items.map(({ action }: { action: string }) => action)).toEqual(['INSTANCE_UPDATING', 'INSTANCE_UPDATED'])
  })

  test('the order is that of time; an event that arrives late takes its place and does not decide', async () => {
    const key = await fresh('late')
    await store.addEvents(key, updateEvent('ROLL_FORWARD_PAUSED', 20))
    await store.addEvents(key, updateEvent('ROLLING_FORWARD', 10))
    await store.addEvents(key, updateEvent('ABORTED', 30), updateEvent('ROLLING_BACK', 25))
    expect(await store.state(key)).toEqual(state('ABORTED', 10, 30))
    const { updateEvents } = await store.fetch(key)
    expect(updateEvents.map(({ timestampMs }: { timestampMs: number }) => timestampMs)).toEqual([10, 20, 25, 30])
    const { lsn } = await api.state()
    await store.addInstanceEvents(
      key,
      instanceEvent(1, 'INSTANCE_UPDATED', 5),
      instanceEvent(1, 'INSTANCE_UPDATING', 3),
    )
    const progress = (await store.get(key, '/progress')).body
    expect(progress).toEqual({
      ...{ key, state: state('ABORTED', 10, 30), instances: { INSTANCE_UPDATED: 1 }, version: lsn + 1 },
    })
  })

  test.each(['one transaction', 'several'])(
    'at one time the order is that of arrival, in %s (AURORA-655)',
    async (how) => {
      const key = await fresh(`same-time-${how.replaceAll(' ', '-')}`)
      const statuses = ['ROLLED_BACK', 'ABORTED', 'ERROR', 'FAILED', 'ROLLING_FORWARD', 'ROLLED_FORWARD'] as const
      const events = statuses.map((status) => updateEvent(status, 7))
      const ofInstances = Array.from({ length: 12 }, (_, index) =>
        instanceEvent(1, JOB_UPDATE_ACTIONS[index % 6]!, 7, { message: `${index}` }),
      )
      if (how === 'one transaction') {
        await store.addEvents(key, ...events)
        await store.addInstanceEvents(key, ...ofInstances)
      } else {
        for (const event of events) await store.addEvents(key, event)
        for (const event of ofInstances) await store.addInstanceEvents(key, event)
      }
      const { updateEvents, instanceEvents } = await store.fetch(key)
      expect(updateEvents).toEqual(events)
      expect(instanceEvents).toEqual(ofInstances)
      expect(await store.state(key)).toEqual(state('ROLLED_FORWARD', 7, 7))
      const paged = await api.list(`/v1/job-updates/${key.job.role}/prod/hello/u/instance-events?limit=5`)
      expect(paged).toEqual(ofInstances)
      expect((await store.get(key, '/progress')).body.instances).toEqual({ [ofInstances[11]!.action]: 1 })
    },
  )

  test('times keep the extremes of int64, and are ordered as numbers', async () => {
    const key = await fresh('extremes')
    const times = [MAX, 9, 10, '9007199254740992', -1, MIN, '9223372036854775806', 0]
    const ordered = [MIN, -1, 0, 9, 10, '9007199254740992', '9223372036854775806', MAX]
    for (const [index, time] of times.entries()) {
      await store.addEvents(key, updateEvent(time === MAX ? 'ABORTED' : 'ROLLING_FORWARD', time))
      await store.addInstanceEvents(key, instanceEvent(index, 'INSTANCE_UPDATED', time))
    }
    const { updateEvents, instanceEvents } = await store.fetch(key)
    expect(updateEvents.map((event: { timestampMs: unknown }) => event.timestampMs)).toEqual(ordered)
    expect(instanceEvents.map((event: { timestampMs: unknown }) => event.timestampMs)).toEqual(ordered)
    expect(await store.state(key)).toEqual(state('ABORTED', MIN, MAX))
    const paged = await api.list('/v1/job-updates/extremes/prod/hello/u/instance-events?limit=1')
    expect(paged).toEqual(instanceEvents)
  })
})

describe('an event without an update', () => {
  test.each([
    ['of the update (testSaveJobEventWithoutUpdateFails)', 'saveJobUpdateEvent', updateEvent('ABORTED', 1)],
    [
      'of an instance (testSaveInstanceEventWithoutUpdateFails)',
      'saveJobInstanceUpdateEvent',
      instanceEvent(0, 'INSTANCE_UPDATED', 1),
    ],
  ])('is refused: %s', async (_name, op, event) => {
    const add = (id: string) => ({ op, key: keyIn('unknown', id), event })
    await expectRefused(api, 'constraint_violation', () => api.transact([add('u')]))
    const key = await fresh('unknown', 'known')
    await expectRefused(api, 'constraint_violation', () =>
      api.transact([add('known'), { op: 'removeJobUpdates', keys: [key] }, add('known')]),
    )
    await store.remove(key)
    await expectRefused(api, 'constraint_violation', () => api.transact([add('known')]))
  })
})

test('an update with all its events is the same after a restart of the node on its log, and so is its absence', async () => {
  const first = await memoryNode()
  const firstApi = await serveNode(first.node)
  const before = new JobUpdateStore(firstApi)
  const [stays, goes, pruned] = [keyIn('restart', 'stays'), keyIn('restart', 'goes'), keyIn('restart', 'pruned')]
  for (const key of [stays, goes, pruned]) {
    await before.save(key)
    await before.addEvents(key, updateEvent('ROLLING_FORWARD', 5, { id: 'e1' }), updateEvent('ROLLING_BACK', 5))
    await before.addInstanceEvents(key, instanceEvent(2, 'INSTANCE_UPDATING', 6, { id: 'i1' }))
  }
  await before.addEvents(pruned, updateEvent('FAILED', 8))
  expect(await before.prune(0, 0)).toEqual(['restart/prod/hello/pruned'])
  expect(await before.remove(goes)).toEqual(['goes'])
  const known = await before.fetch(stays)
  const state = await firstApi.state()
  await first.node.close()

  const second = await memoryNode({ table: first.table, storeId: first.storeId })
  const secondApi = await serveNode(second.node)
  const after = new JobUpdateStore(secondApi)
  expect(await secondApi.state()).toEqual(state)
  expect(await after.ids('role=restart')).toEqual(['stays'])
  expect(await after.fetch(stays)).toEqual(known)
  expect((await after.get(goes)).status).toBe(404)
  expect((await after.get(pruned)).status).toBe(404)
  // The ids of events are known still, and the numbers of those that had none go on.
  expect(await after.addEvents(stays, updateEvent('ROLLING_FORWARD', 5, { id: 'e1' }))).toBe(0)
  expect(await after.addEvents(stays, updateEvent('ABORTED', 5))).toBe(1)
  expect((await after.fetch(stays)).updateEvents.map(({ status }: { status: string }) => status)).toEqual([
    ...['ROLLING_FORWARD', 'ROLLING_BACK', 'ABORTED'],
  ])
  const removals = (await entriesOf(second.node.log)).flatMap(({ transactions }) =>
    transactions.flatMap(({ events }) => events.filter(({ event }) => event === 'jobUpdatesRemoved')),
  )
  expect(removals).toHaveLength(2)
  expect(await after.save(update(goes))).toBeGreaterThan(0)
  expect((await after.fetch(goes)).updateEvents).toEqual([])
})
