import { expect, test } from 'vitest'
import { drillBackup } from '../../lib/backup/drill.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { backupContext, filledStore, listedBackups } from '../support/backups.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota } from '../support/requests.ts'
import { listed, temporaryObjects, withFlippedBit } from '../support/snapshots.ts'

/** A backup is a copy of what was verified, and it restores. */

const MINUTE = 60_000

test('is taken of the newest state, restores from image and dump, and says so', { timeout: 2 * MINUTE }, async () => {
  const { node, store, objects, places, context } = await filledStore()
  const { lsn, digest } = await node.digest()
  const outcome = await takeBackup(context)
  expect(outcome).toEqual({ made: true, lsn, backupId: expect.any(String) })
  const [backup] = await listedBackups(places, store.storeId)
  expect(backup).toMatchObject({ state: 'complete', id: outcome.backupId, lsn, hasDump: true, document: { digest } })
  expect(backup!.drill).toBeUndefined()
  expect(await drillBackup(context)).toMatchObject({
    backupId: outcome.backupId,
    passed: true,
    image: { result: 'same' },
    dump: { result: 'same' },
  })
  const [drilled] = await listedBackups(places, store.storeId)
  expect(drilled!.drill).toMatchObject({ passed: true, backupId: outcome.backupId })
  expect(context.logger.with('a restore drill passed')).toHaveLength(1)

  // Nothing new is said, not copied again; another drill replaces the report.
  expect(await takeBackup(context)).toMatchObject({ made: false, backupId: outcome.backupId, reason: /everything/ })
  await drillBackup(context, outcome.backupId)
  expect(await listedBackups(places, store.storeId)).toHaveLength(1)

  // Where snapshots and backups share a place they do not see each other.
  const shared = { ...context, backups: objects }
  expect((await takeBackup(shared)).made).toBe(true)
  expect(await listed(objects, store.storeId)).toHaveLength(1)
  expect(await listedBackups(objects, store.storeId)).toHaveLength(1)
})

test('of an empty log there is none', async () => {
  const [objects, places] = [await temporaryObjects(), await temporaryObjects()]
  const { node: _, ...store } = await memoryNode()
  const context = await backupContext(store, objects, places)
  expect(await takeBackup(context)).toMatchObject({ made: false, reason: 'the log has no entries yet' })
  await expect(drillBackup(context)).rejects.toMatchObject({ code: 'not_found' })
  await expect(drillBackup(context, 'nonsense')).rejects.toMatchObject({ code: 'not_found' })
})

test('is of the last verified snapshot when none can be taken, and says why', { timeout: 2 * MINUTE }, async () => {
  const { node, store, objects, places, context } = await filledStore()
  const { lsn } = await node.digest()
  await takeSnapshot(context)
  await node.submit(request([saveQuota('later')]), as('p'))
  objects.fault = {
    before: (operation, key) => {
      if (operation === 'put' && key.includes('/snapshots/')) throw new Error('the disk is full')
    },
  }
  const late = await takeBackup(context)
  expect(late).toMatchObject({ made: true, lsn, reason: expect.stringContaining('the disk is full') })
  expect(context.logger.with('the backup will be older than it should be')).toMatchObject([{ lsn }])
  const [snapshot] = await listed(objects, store.storeId)
  await objects.delete(`${store.storeId}/snapshots/${snapshot!.id}/manifest.json`)
  await expect(takeBackup(context)).rejects.toMatchObject({ code: 'not_ready', message: /disk is full/ })
  expect(await listedBackups(places, store.storeId)).toHaveLength(1)
})

test('is not made of a snapshot that is damaged: another one is taken', { timeout: 2 * MINUTE }, async () => {
  const { store, objects, places, context } = await filledStore()
  const { snapshotId, lsn } = await takeSnapshot(context)
  const key = `${store.storeId}/snapshots/${snapshotId}/image/00000`
  await objects.put(key, withFlippedBit(await objects.get(key), 99_999))
  expect(await takeBackup(context)).toMatchObject({ made: true, lsn })
  const [backup] = await listedBackups(places, store.storeId)
  expect(backup!.document!.snapshotId).not.toBe(snapshotId)
  expect(await drillBackup(context)).toMatchObject({ passed: true })
})

test('two at once do each other no harm', { timeout: 2 * MINUTE }, async () => {
  const { store, objects, places } = await filledStore()
  const contexts = [await backupContext(store, objects, places), await backupContext(store, objects, places)]
  const outcomes = await Promise.all(contexts.map((context) => takeBackup(context)))
  for (const { backupId } of outcomes) expect(backupId).toBeTypeOf('string')
  const found = await listedBackups(places, store.storeId)
  expect(found.every(({ state }) => state === 'complete')).toBe(true)
  const drills = contexts.map((context) => drillBackup(context))
  for (const drill of await Promise.all(drills)) expect(drill.passed).toBe(true)
})
