import { expect, test } from 'vitest'
import { drillBackup } from '../../lib/backup/drill.ts'
import { retainBackups } from '../../lib/backup/retention.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { backupContext, filledStore, listedBackups } from '../support/backups.ts'

/** Wherever who makes a backup is stopped, nothing is left that could be mistaken for one, and the next run completes. */

const MINUTE = 60_000

/** The process ended here: nothing it asks for happens any more. */
class Killed extends Error {}

test('stopped at any request to the backups, before or after it is done', { timeout: 10 * MINUTE }, async () => {
  const { store, objects, places, context } = await filledStore()
  await takeSnapshot(context)
  let complete = false
  let stops = 0
  for (let last = 0; !complete; last++) {
    for (const at of ['before', 'after'] as const) {
      let [requests, dead] = [0, false]
      const die = (moment: 'before' | 'after') => () => {
        if (dead) throw new Killed()
        if (moment === at && requests++ === last) {
          dead = true
          throw new Killed()
        }
      }
      places.fault = { before: die('before'), after: die('after') }
      objects.fault = {
        before: () => {
          if (dead) throw new Killed()
        },
      }
      const outcome = await takeBackup(await backupContext(store, objects, places)).catch((error: unknown) => error)
      places.fault = {}
      objects.fault = {}
      const states = (await listedBackups(places, store.storeId)).map(({ state }) => state)
      // It is one when its document was written, although nobody heard of it, and not before.
      complete = states.includes('complete')
      expect(states.every((state) => state === 'unfinished' || state === 'complete')).toBe(true)
      if (complete) break
      expect(outcome).toBeInstanceOf(Error)
      stops++
    }
  }
  expect(stops).toBeGreaterThan(12)
  expect(await takeBackup(context)).toMatchObject({ made: false, reason: /everything/ })
  expect(await drillBackup(context)).toMatchObject({ passed: true })
})

test('stopped in the middle of deleting, the rest is no backup, and the next run goes on', async () => {
  const { store, places, context } = await filledStore()
  const { backupId } = await takeBackup(context)
  const folder = `${store.storeId}/backups/${backupId}/`
  const retention = { newest: 0, days: 0, weeks: 0, graceMs: 0 }
  expect(await retainBackups(context, retention)).toEqual({ marked: [backupId], deleted: [] })
  for (const stop of [1, 3, 5]) {
    let deletes = 0
    places.fault = {
      after: (operation) => {
        if (operation === 'delete' && ++deletes === stop) throw new Killed()
      },
    }
    await expect(retainBackups(context, retention)).rejects.toThrow(Killed)
    places.fault = {}
    expect(await listedBackups(places, store.storeId)).toMatchObject([{ state: 'unfinished' }])
  }
  expect(await retainBackups(context, retention)).toMatchObject({ deleted: [backupId] })
  expect((await places.list(folder)).objects).toEqual([])
})
