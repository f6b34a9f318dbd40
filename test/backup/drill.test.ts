import { expect, test } from 'vitest'
import type { Backup } from '../../lib/backup/catalog.ts'
import { backupSchema } from '../../lib/backup/documents.ts'
import { drillBackup } from '../../lib/backup/drill.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import { encodeDocument } from '../../lib/objects/checked-document.ts'
import { filledStore, listedBackups } from '../support/backups.ts'
import { withFlippedBit } from '../support/snapshots.ts'

/** A restore drill does not pass when anything of a backup is not what it should be. */

const MINUTE = 60_000

test.each(['image', 'dump'] as const)(
  'when the %s is damaged, and the next backup replaces it',
  {
    timeout: 2 * MINUTE,
  },
  async (what) => {
    const { store, places, context } = await filledStore()
    const { backupId } = await takeBackup(context)
    const key = `${store.storeId}/backups/${backupId}/${what}/00000`
    await places.put(key, withFlippedBit(await places.get(key), 12_345))
    const outcome = await drillBackup(context)
    const other = what === 'image' ? 'dump' : 'image'
    expect(outcome).toMatchObject({
      passed: false,
      [what]: { result: 'failed', why: expect.stringMatching(/checksum/) },
      [other]: { result: 'same' },
    })
    expect(context.logger.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'a restore drill did not pass', fields: { backupId } },
    ])
    expect((await listedBackups(places, store.storeId))[0]!.drill).toMatchObject({ passed: false })
    expect(await takeBackup(context)).toMatchObject({ made: true })
    expect(await drillBackup(context)).toMatchObject({ passed: true })
  },
)

test('when a part of it is missing, or the document', { timeout: 2 * MINUTE }, async () => {
  const { store, places, context } = await filledStore()
  const { backupId } = await takeBackup(context)
  const folder = `${store.storeId}/backups/${backupId}`
  await places.delete(`${folder}/dump/00000`)
  expect((await listedBackups(places, store.storeId))[0]).toMatchObject({
    state: 'damaged',
    why: /part 0 of its dump/,
  })
  expect(await drillBackup(context, backupId)).toMatchObject({ passed: false, image: { result: 'same' } })
  await places.put(`${folder}/backup.json`, Buffer.from('{}'))
  await expect(drillBackup(context, backupId)).rejects.toMatchObject({ code: 'backup_corrupt' })
})

test('when it holds something else than it says, although all bytes are as they were written', {
  timeout: 2 * MINUTE,
}, async () => {
  const { store, places, context } = await filledStore()
  const { backupId } = await takeBackup(context)
  const key = `${store.storeId}/backups/${backupId}/backup.json`
  const [{ document }] = (await listedBackups(places, store.storeId)) as [Backup]
  const rows = { ...document!.rows, host: document!.rows.host! + 1 }
  await places.put(key, encodeDocument(backupSchema, { ...document!, rows }).bytes)
  const finding = { result: 'failed', why: expect.stringMatching(/^restored, host has \d+ rows instead of/) }
  expect(await drillBackup(context)).toMatchObject({ passed: false, image: finding, dump: finding })
})
