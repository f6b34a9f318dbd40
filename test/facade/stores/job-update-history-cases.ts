import { expect, test } from 'vitest'
import type { JobUpdateStatus, Storage } from '../../../lib/index.ts'
import { UpdateStore, updateKey, updateOf } from '../../support/job-updates.ts'
import { refused } from '../../support/refusal.ts'

/** Aurora's job update store tests: how updates go, and the locks on their jobs. */
export function jobUpdateHistoryCases(storage: Storage): void {
  const updates = new UpdateStore(storage)
  const lockOf = (role: string, token: string) => {
    return { key: { job: updateKey(role).job }, token, user: 'ann', timestampMs: 1 }
  }
  /** Locks the job and starts an update of it, in one transaction. */
  const start = (role: string, id: string, token: string) =>
    storage.write(({ jobUpdates, locks }) => {
      locks.save(lockOf(role, token))
      jobUpdates.save(updateOf(updateKey(role, id)), token)
      jobUpdates.saveEvent(updateKey(role, id), { status: 'ROLLING_FORWARD', timestampMs: 1 })
    })
  const unlock = (role: string) => storage.write(({ locks }) => locks.remove({ job: updateKey(role).job }))

  test('all updates can be removed, and when there are none, none are [testTruncateJobUpdates]', async () => {
    await updates.save(updateOf(updateKey('truncate')))
    await updates.instanceEvent(updateKey('truncate'), 0, 1)
    const truncate = () =>
      storage.write(async ({ jobUpdates }) => {
        const keys = (await jobUpdates.summaries()).map(({ key }) => key)
        if (keys.length > 0) jobUpdates.remove(keys)
        return keys.length
      })
    expect(await truncate()).toBe(1)
    expect(await storage.consistentRead(({ jobUpdates }) => jobUpdates.summaries())).toEqual([])
    expect(await truncate()).toBe(0)
  })

  test('updates are removed by key with their events; unknown keys are ignored, others stay [testRemoveUpdates]', async () => {
    const [one, two, three] = [updateKey('remove', 'u-1'), updateKey('remove', 'u-2'), updateKey('remove', 'u-3')]
    for (const key of [one, two, three]) {
      await updates.save(updateOf(key))
      await updates.event(key, 'ROLLING_FORWARD', 1)
      await updates.instanceEvent(key, 0, 1)
    }
    await updates.remove(one, updateKey('remove', 'never-there'))
    await updates.remove(one)
    expect(await updates.ids('remove')).toEqual(['u-2', 'u-3'])
    expect(await updates.details(one)).toBeUndefined()
    await updates.remove(two, three)
    expect(await updates.ids('remove')).toEqual([])
    // The events have gone with it: one that comes back under the key has none.
    await updates.save(updateOf(two))
    expect(await updates.details(two)).toMatchObject({ updateEvents: [], instanceEvents: [] })
  })

  const HISTORY: [string, JobUpdateStatus, number][] = [
    ['u-1', 'ROLLING_FORWARD', 100],
    ['u-2', 'ROLLED_FORWARD', 120],
    ['u-3', 'ROLLED_BACK', 123],
    ['u-4', 'ABORTED', 125],
    ['u-5', 'FAILED', 126],
  ]
  test.each([
    [4, 0, []],
    [3, 0, ['u-2']],
    [2, 0, ['u-2', 'u-3']],
    [1, 0, ['u-2', 'u-3', 'u-4']],
    [0, 0, ['u-2', 'u-3', 'u-4', 'u-5']],
    [4, 119, []],
    [4, 120, ['u-2']],
    [2, 120, ['u-2', 'u-3']],
    [4, 125, ['u-2', 'u-3', 'u-4']],
    [4, 126, ['u-2', 'u-3', 'u-4', 'u-5']],
  ])(
    'pruning keeps the newest %i of a job, none from %i or before, and all that go on [testPruneHistory]',
    async (perJobRetainCount, historyPruneThresholdMs, expected) => {
      const role = `prune-${perJobRetainCount}-${historyPruneThresholdMs}`
      const [first, other] = [`${role}-a`, `${role}-b`]
      await storage.write(({ jobUpdates }) => {
        for (const [id, status, timestampMs] of HISTORY) {
          jobUpdates.save(updateOf(updateKey(first, id)))
          jobUpdates.saveEvent(updateKey(first, id), { status, timestampMs })
        }
        // Another job has history of its own, and one that has not begun is not over.
        jobUpdates.save(updateOf(updateKey(other, 'u-1')))
        jobUpdates.save(updateOf(updateKey(other, 'u-6')))
        jobUpdates.saveEvent(updateKey(other, 'u-6'), { status: 'ERROR', timestampMs: 1_000 })
      })
      const pruned = await storage.write(({ jobUpdates }) =>
        jobUpdates.prune({ perJobRetainCount, historyPruneThresholdMs }),
      )
      const of = (wanted: string) => pruned.filter(({ job }) => job.role === wanted).map(({ id }) => id)
      expect(of(first).sort()).toEqual(expected)
      expect(of(other)).toEqual(perJobRetainCount === 0 ? ['u-6'] : [])
      const ids = HISTORY.map(([id]) => id)
      expect((await updates.ids(first)).sort()).toEqual(ids.filter((id) => !(expected as string[]).includes(id)))
      expect((await updates.ids(other)).sort()).toEqual(perJobRetainCount === 0 ? ['u-1'] : ['u-1', 'u-6'])
    },
  )

  test('a token that is given must be that of the lock on the job [testSaveUpdateWithoutLock]', async () => {
    const save = () => updates.save(updateOf(updateKey('unlocked')), 'a token')
    await expect(save()).rejects.toEqual(refused('constraint_violation'))
    await storage.write(({ locks }) => locks.save(lockOf('unlocked', 'another token')))
    await expect(save()).rejects.toEqual(refused('constraint_violation'))
    await storage.write(({ locks }) => locks.save(lockOf('unlocked-2', 'a token')))
    await expect(save()).rejects.toEqual(refused('constraint_violation'))
    expect(await updates.details(updateKey('unlocked'))).toBeUndefined()
  })

  test('a job that is locked for an update is not locked for another [testSaveTwoUpdatesForOneJob]', async () => {
    await start('two', 'u-1', 'two-1')
    await expect(start('two', 'u-2', 'two-2')).rejects.toEqual(refused('already_exists'))
    expect(await updates.ids('two')).toEqual(['u-1'])
  })

  test('nor with the token that it has [testSaveTwoUpdatesSameJobKey]', async () => {
    await start('same', 'u-1', 'same')
    await expect(start('same', 'u-2', 'same')).rejects.toEqual(refused('already_exists'))
    expect(await updates.ids('same')).toEqual(['u-1'])
  })

  test('a job that is released keeps its update and is free for a new one [testLockCleared]', async () => {
    await start('cleared', 'u-1', 'cleared-1')
    await updates.event(updateKey('cleared', 'u-1'), 'ROLLED_FORWARD', 2)
    const before = await updates.details(updateKey('cleared', 'u-1'))
    await unlock('cleared')
    expect(await updates.details(updateKey('cleared', 'u-1'))).toEqual(before)
    await start('cleared', 'u-2', 'cleared-2')
    expect((await updates.ids('cleared')).sort()).toEqual(['u-1', 'u-2'])
  })

  test('the token of an update that goes on is that of its lock, and goes with it [testGetLockToken]', async () => {
    const token = async (role: string) =>
      (await storage.consistentRead(({ locks }) => locks.get(updateKey(role).job)))?.token
    await start('token-a', 'u-1', 'token-of-a')
    await start('token-b', 'u-1', 'token-of-b')
    expect([await token('token-a'), await token('token-b')]).toEqual(['token-of-a', 'token-of-b'])
    await unlock('token-a')
    expect([await token('token-a'), await token('token-b')]).toEqual([undefined, 'token-of-b'])
    // The lock of one that is gone stays with whoever has it.
    await updates.remove(updateKey('token-b'))
    expect(await token('token-b')).toBe('token-of-b')
  })
}
