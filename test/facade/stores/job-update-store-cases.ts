import { expect, test } from 'vitest'
import type { Storage } from '../../../lib/index.ts'
import { jobUpdate } from '../../../lib/model/job-update.ts'
import { assertFullyPopulated } from '../../support/fully-populated.ts'
import {
  fullUpdate,
  storedUpdate,
  type UpdateInput,
  UpdateStore,
  updateKey,
  updateOf,
} from '../../support/job-updates.ts'
import { config } from '../../support/records.ts'
import { refused } from '../../support/refusal.ts'
import { configIn } from '../../support/task-store.ts'

/** Aurora's AbstractJobUpdateStoreTest: what is saved, and what is refused. */
export function jobUpdateStoreCases(storage: Storage): void {
  const updates = new UpdateStore(storage)

  async function roundTrip(update: UpdateInput): Promise<void> {
    await updates.save(update)
    expect((await updates.details(update.summary.key))?.update).toEqual(storedUpdate(update))
  }

  async function refuses(update: unknown): Promise<void> {
    const given = update as UpdateInput
    await expect(updates.save(given)).rejects.toEqual(refused('invalid_field'))
    expect(await updates.details(given.summary.key)).toBeUndefined()
  }

  test('a full update comes back with every field, and its state is what its events say [testSaveJobUpdates]', async () => {
    const key = updateKey('full')
    const update = fullUpdate(key)
    assertFullyPopulated(jobUpdate, update, ['summary.state'])
    const events = [{ status: 'ROLLING_FORWARD' as const, timestampMs: 1, user: 'ann', message: 'go', id: 'e-1' }]
    const instanceEvents = [
      { instanceId: 2, timestampMs: 2, action: 'INSTANCE_UPDATING' as const, message: 'up', id: 'e-2' },
    ]
    await updates.save(update)
    expect(await updates.details(key)).toMatchObject({ updateEvents: [], instanceEvents: [] })
    await storage.write(({ jobUpdates }) => {
      jobUpdates.saveEvent(key, events[0]!)
      jobUpdates.saveInstanceEvent(key, instanceEvents[0]!)
    })
    expect(await updates.details(key)).toEqual({
      update: storedUpdate(update, { status: 'ROLLING_FORWARD', created: 1, modified: 2 }),
      updateEvents: events,
      instanceEvents,
      version: expect.any(Number),
    })
  })

  test('an update that exists cannot be saved again [testSaveJobUpdateTwiceThrows]', async () => {
    const key = updateKey('twice')
    const update = updateOf(key, {}, { user: 'bob' })
    await updates.save(update)
    await updates.event(key, 'ROLLING_FORWARD', 1)
    await expect(updates.save(updateOf(key))).rejects.toEqual(refused('already_exists'))
    const both = storage.write(({ jobUpdates }) => {
      jobUpdates.save(updateOf(updateKey('twice', 'u-2')))
      jobUpdates.save(updateOf(updateKey('twice', 'u-2')))
    })
    await expect(both).rejects.toEqual(refused('already_exists'))
    expect(await updates.ids('twice')).toEqual(['u-1'])
    const state = { status: 'ROLLING_FORWARD' as const, created: 1, modified: 1 }
    expect((await updates.details(key))?.update).toEqual(storedUpdate(update, state))
  })

  test('the greatest resources survive [testSaveJobUpdateWithLargeTaskConfigValues]', async () => {
    const key = updateKey('large')
    const largest = '9223372036854775807'
    const resources = [{ numCpus: Number.MAX_VALUE }, { ramMb: largest }, { diskMb: largest }, { numGpus: largest }]
    const task = config({ job: key.job, resources })
    const instances = [{ first: 0, last: 0 }]
    await roundTrip(updateOf(key, { initialState: [{ task, instances }], desiredState: { task, instances } }))
    const read = (await updates.details(key))!.update.instructions
    for (const { task } of [read.initialState![0]!, read.desiredState!]) {
      expect(task.resources).toHaveLength(4)
      expect(task.resources).toEqual(expect.arrayContaining(resources))
    }
  })

  test('an initial state that is null is read as none [testSaveNullInitialState]', async () => {
    const key = updateKey('no-initial')
    await roundTrip(updateOf(key, { initialState: null }))
    expect((await updates.details(key))?.update.instructions.initialState).toEqual([])
  })

  test('a desired state may be absent [testSaveNullDesiredState]', async () => {
    const initialState = [{ task: configIn('no-desired'), instances: [{ first: 0, last: 1 }] }]
    for (const [id, desiredState] of [
      ['null', null],
      ['absent', undefined],
    ] as const) {
      const key = updateKey('no-desired', id)
      await updates.save(updateOf(key, { initialState, desiredState }))
      const { instructions } = (await updates.details(key))!.update
      expect(instructions).not.toHaveProperty('desiredState')
      expect(instructions.initialState).toEqual(
        jobUpdate.parse(updateOf(key, { initialState })).instructions.initialState,
      )
    }
  })

  test('one of both states must be there [testSaveBothInitialAndDesiredMissingThrows]', async () => {
    await refuses(updateOf(updateKey('neither'), { initialState: [], desiredState: undefined }))
    await refuses(updateOf(updateKey('neither'), { initialState: null, desiredState: null }))
  })

  test('an initial state must have a config [testSaveNullInitialStateTaskThrows]', async () => {
    const update = updateOf(updateKey('initial-task'))
    for (const state of [{ task: null }, {}]) {
      const initialState = [{ ...state, instances: [{ first: 0, last: 1 }] }]
      await refuses({ ...update, instructions: { ...update.instructions, initialState } })
    }
  })

  test('an initial state must have instances [testSaveEmptyInitialStateRangesThrows]', async () => {
    const initialState = [{ task: configIn('initial-ranges'), instances: [] }]
    await refuses(updateOf(updateKey('initial-ranges'), { initialState }))
  })

  test('a desired state must have a config [testSaveNullDesiredStateTaskThrows]', async () => {
    const { summary } = updateOf(updateKey('desired-task'))
    for (const state of [{ task: null }, {}]) {
      await refuses({ summary, instructions: { desiredState: { ...state, instances: [{ first: 0, last: 1 }] } } })
    }
  })

  test('a desired state must have instances [testSaveEmptyDesiredStateRangesThrows]', async () => {
    const desiredState = { task: configIn('desired-ranges'), instances: [] }
    await refuses(updateOf(updateKey('desired-ranges'), { desiredState }))
  })

  test('an empty list of instances says all [testSaveJobUpdateEmptyInstanceOverrides]', async () => {
    await roundTrip(updateOf(updateKey('empty-only'), { settings: { updateOnlyTheseInstances: [] } }))
  })

  test('a list of instances that is null is read as empty [testSaveJobUpdateNullInstanceOverrides]', async () => {
    const key = updateKey('null-only')
    await updates.save(updateOf(key, { settings: { updateOnlyTheseInstances: null } }))
    expect((await updates.details(key))?.update.instructions.settings.updateOnlyTheseInstances).toEqual([])
  })

  test('a state that is given is not looked at [testSaveJobUpdateStateIgnored]', async () => {
    const key = updateKey('state')
    const state = { status: 'ABORTED', createdTimestampMs: 7, lastModifiedTimestampMs: 9 }
    await updates.save(updateOf(key, {}, { state }))
    expect((await updates.details(key))?.update.summary).not.toHaveProperty('state')
    await updates.event(key, 'ROLLING_FORWARD', 3)
    const stored = storedUpdate(updateOf(key), { status: 'ROLLING_FORWARD', created: 3, modified: 3 })
    expect((await updates.details(key))?.update).toEqual(stored)
  })

  test('two metadata with one key are both kept [testSaveJobUpdateWithDuplicateMetadataKeys]', async () => {
    const metadata = [
      { key: 'k1', value: 'v1' },
      { key: 'k1', value: 'v2' },
    ]
    await roundTrip(updateOf(updateKey('metadata'), {}, { metadata }))
  })
}
