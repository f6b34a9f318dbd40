import { expect, test } from 'vitest'
import type { JobUpdateAction, JobUpdateStatus, Storage } from '../../../lib/index.ts'
import { UpdateStore, updateKey, updateOf } from '../../support/job-updates.ts'
import { refused } from '../../support/refusal.ts'

/** Aurora's job update store tests: events, and the state that follows from them. */
export function jobUpdateEventCases(storage: Storage): void {
  const updates = new UpdateStore(storage)
  const stateOf = async (key: ReturnType<typeof updateKey>) => (await updates.details(key))?.update.summary.state

  test('each event takes the update to another state [testSaveJobEvents]', async () => {
    const key = updateKey('events')
    await updates.save(updateOf(key))
    const statuses: JobUpdateStatus[] = ['ROLLING_FORWARD', 'ROLL_FORWARD_PAUSED', 'ROLLING_BACK', 'ROLLED_BACK']
    for (const [index, status] of statuses.entries()) {
      await updates.event(key, status, 10 + index)
      expect(await stateOf(key)).toEqual({ status, createdTimestampMs: 10, lastModifiedTimestampMs: 10 + index })
    }
    const { updateEvents } = (await updates.details(key))!
    expect(updateEvents).toEqual(statuses.map((status, index) => ({ status, timestampMs: 10 + index })))
  })

  test('each event of an instance makes the update newer and leaves its status [testSaveInstanceEvents]', async () => {
    const key = updateKey('instance-events')
    await updates.save(updateOf(key))
    await updates.event(key, 'ROLLING_FORWARD', 10)
    const actions: JobUpdateAction[] = ['INSTANCE_UPDATING', 'INSTANCE_UPDATED', 'INSTANCE_ROLLED_BACK']
    for (const [index, action] of actions.entries()) {
      await updates.instanceEvent(key, 1, 20 + index, action)
      const state = { status: 'ROLLING_FORWARD', createdTimestampMs: 10, lastModifiedTimestampMs: 20 + index }
      expect(await stateOf(key)).toEqual(state)
    }
    const { instanceEvents } = (await updates.details(key))!
    expect(instanceEvents).toEqual(actions.map((action, index) => ({ instanceId: 1, timestampMs: 20 + index, action })))
  })

  test('there is no event without its update [testSaveJobEventWithoutUpdateFails]', async () => {
    const key = updateKey('nobody')
    await expect(updates.event(key, 'ABORTED', 1)).rejects.toEqual(refused('constraint_violation'))
    expect(await updates.details(key)).toBeUndefined()
  })

  test('there is no event of an instance without its update [testSaveInstanceEventWithoutUpdateFails]', async () => {
    const key = updateKey('nobody')
    await expect(updates.instanceEvent(key, 0, 1)).rejects.toEqual(refused('constraint_violation'))
    expect(await updates.details(key)).toBeUndefined()
  })

  test('an update without events is read, and has no state [testSaveJobUpdateWithoutEventFailsSelect]', async () => {
    const key = updateKey('eventless')
    await updates.save(updateOf(key))
    const found = await storage.consistentRead(({ jobUpdates }) =>
      Promise.all([
        jobUpdates.details(key),
        jobUpdates.summaries({ role: 'eventless' }),
        jobUpdates.summaries({ role: 'eventless', statuses: ['ROLLING_FORWARD'] }),
      ]),
    )
    const summary = { key, user: 'ann' }
    expect(found[0]).toMatchObject({ update: { summary }, updateEvents: [], instanceEvents: [] })
    expect(found[0]?.update.summary).toEqual(summary)
    expect(found.slice(1)).toEqual([[{ ...summary, version: expect.any(Number) }], []])
  })

  test('events of two updates do not mix, and the one that was changed last comes first [testMultipleJobDetails]', async () => {
    const [one, two] = [updateKey('multiple', 'u-1', 'one'), updateKey('multiple', 'u-2', 'two')]
    await updates.save(updateOf(one))
    await updates.save(updateOf(two))
    await updates.event(one, 'ROLLING_FORWARD', 456)
    await updates.event(two, 'ROLL_FORWARD_PAUSED', 567)
    expect(await updates.ids('multiple')).toEqual(['u-2', 'u-1'])
    for (const [instance, time] of [
      [0, 600],
      [1, 601],
      [0, 602],
    ] as const) {
      await updates.instanceEvent(one, instance, time)
      await updates.instanceEvent(two, instance + 5, time + 100)
    }
    expect(await updates.ids('multiple')).toEqual(['u-2', 'u-1'])
    await updates.event(one, 'ABORTED', 1_000)
    expect(await updates.ids('multiple')).toEqual(['u-1', 'u-2'])

    const [first, second] = await storage.consistentRead(({ jobUpdates }) => jobUpdates.fetch({ role: 'multiple' }))
    const event = (instanceId: number, timestampMs: number) => ({
      instanceId,
      timestampMs,
      action: 'INSTANCE_UPDATING',
    })
    expect(first).toMatchObject({
      update: { summary: { state: { status: 'ABORTED', createdTimestampMs: 456, lastModifiedTimestampMs: 1_000 } } },
      updateEvents: [
        { status: 'ROLLING_FORWARD', timestampMs: 456 },
        { status: 'ABORTED', timestampMs: 1_000 },
      ],
      instanceEvents: [event(0, 600), event(1, 601), event(0, 602)],
    })
    expect(second).toMatchObject({
      update: {
        summary: { state: { status: 'ROLL_FORWARD_PAUSED', createdTimestampMs: 567, lastModifiedTimestampMs: 702 } },
      },
      updateEvents: [{ status: 'ROLL_FORWARD_PAUSED', timestampMs: 567 }],
      instanceEvents: [event(5, 700), event(6, 701), event(5, 702)],
    })
    const ofOne = await storage.consistentRead(({ jobUpdates }) => jobUpdates.instanceEvents(one, { instanceId: 0 }))
    expect(ofOne).toEqual([event(0, 600), event(0, 602)])
  })

  test('events stand in the order of time, and of arrival where the time is the same', async () => {
    const key = updateKey('order')
    await updates.save(updateOf(key))
    const arrived: [JobUpdateStatus, number][] = [
      ['ROLLING_FORWARD', 20],
      ['ROLL_FORWARD_PAUSED', 30],
      ['ROLL_FORWARD_AWAITING_PULSE', 10],
      ['ROLLING_BACK', 30],
    ]
    for (const [status, time] of arrived) await updates.event(key, status, time)
    for (const [instance, time] of [
      [3, 7],
      [1, 5],
      [2, 7],
    ] as const)
      await updates.instanceEvent(key, instance, time)
    const { updateEvents, instanceEvents } = (await updates.details(key))!
    expect(updateEvents.map(({ status }) => status)).toEqual([
      'ROLL_FORWARD_AWAITING_PULSE',
      'ROLLING_FORWARD',
      'ROLL_FORWARD_PAUSED',
      'ROLLING_BACK',
    ])
    expect(instanceEvents.map(({ instanceId }) => instanceId)).toEqual([1, 3, 2])
    expect(await stateOf(key)).toEqual({ status: 'ROLLING_BACK', createdTimestampMs: 10, lastModifiedTimestampMs: 30 })
  })
}
