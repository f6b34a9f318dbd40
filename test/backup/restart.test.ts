import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findBackup } from '../../lib/backup/catalog.ts'
import { drillBackup } from '../../lib/backup/drill.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import { jobContext } from '../../lib/node/job-context.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { filledStore } from '../support/backups.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota } from '../support/requests.ts'
import { listed, RecordingLogger, withFlippedBit } from '../support/snapshots.ts'

/** When no snapshot can be used a store starts from a backup: from its image, from its dump; at last from the log. */

const MINUTE = 60_000
const SEED = Number(process.env.SEED ?? 23)

describe('a store with a snapshot, a backup and a tail', () => {
  const cleanups: (() => Promise<void>)[] = []
  let bed: Awaited<ReturnType<typeof filledStore>>
  let backupId: string
  let lsn: number
  let state: { lsn: number; digest: string }

  beforeAll(async () => {
    bed = await filledStore({ cleanup: (work) => cleanups.unshift(work) })
    const outcome = await takeBackup(bed.context)
    await drillBackup(bed.context)
    backupId = outcome.backupId!
    lsn = outcome.lsn
    await bed.node.submit(request([saveQuota('tail')]), as('p'))
    state = await bed.node.digest()
  }, 3 * MINUTE)

  afterAll(async () => {
    for (const work of cleanups) await work()
  })

  /** Restarts while bits of what is read are changed; says what the node was started from, and why. */
  async function restart({ damaged, trimmed = false }: { damaged: RegExp[]; trimmed?: boolean }) {
    const { objects, places, store } = bed
    const read = (key: string, bytes: Uint8Array) =>
      damaged.some((name) => name.test(key)) ? withFlippedBit(bytes, Math.floor(bytes.byteLength * 3.7)) : bytes
    const logger = new RecordingLogger()
    const [head, slots] = [store.table.head, new Map(store.table.slots)]
    if (trimmed) {
      store.table.head = { trimmedTo: lsn }
      for (let each = 0; each <= lsn; each++) store.table.slots.delete(each)
    }
    objects.fault = { read }
    places.fault = { read }
    try {
      const { node } = await memoryNode({ ...store, objects, backups: places, logger })
      expect(await node.digest()).toEqual(state)
      expect((await node.submit(request([saveQuota('again')]), as('p', 'again'))).lsn).toBe(state.lsn + 1)
    } finally {
      objects.fault = {}
      places.fault = {}
      store.table.head = head
      store.table.slots.clear()
      for (const [key, slot] of slots) store.table.slots.set(key, slot)
    }
    return logger.lines.filter(({ level }) => level === 'warn').map(({ message, fields }) => ({ message, ...fields }))
  }

  const fromImage = 'no snapshot can be used: restoring a backup'
  const fromDump = 'no snapshot can be used: loading the dump of a backup'

  test.each([false, true])(
    'all snapshots damaged: the image of the backup serves (log trimmed: %s)',
    {
      timeout: 2 * MINUTE,
    },
    async (trimmed) => {
      const damaged = [trimmed ? /snapshots\/.*manifest/ : /snapshots\/.*image\/00000/]
      const said = await restart({ damaged, trimmed })
      expect(said).toContainEqual(expect.objectContaining({ message: fromImage, backup: backupId }))
      expect(said.map(({ message }) => message)).not.toContain(fromDump)
    },
  )

  test.each([false, true])(
    'and the image of the backup: its dump serves (log trimmed: %s)',
    {
      timeout: 2 * MINUTE,
    },
    async (trimmed) => {
      const snapshots = /snapshots\/.*image\/00001/
      const damaged = [snapshots, trimmed ? /backups\/.*manifest/ : /backups\/.*image\/00001/]
      const said = await restart({ damaged, trimmed })
      expect(said).toContainEqual(expect.objectContaining({ message: fromDump, backup: backupId }))
    },
  )

  test('and the dump, too: the log serves, and where it was trimmed the node says what is missing', {
    timeout: 2 * MINUTE,
  }, async () => {
    const damaged = [/image\/00000/, /dump\/00000/]
    const said = await restart({ damaged })
    expect(said).toContainEqual(expect.objectContaining({ message: 'the dump of a backup is passed over' }))
    await expect(restart({ damaged, trimmed: true })).rejects.toMatchObject({ code: 'not_ready' })
    expect(await restart({ damaged: [/image/, /backup\.json/] })).toContainEqual(
      expect.objectContaining({ message: 'a backup is passed over', reason: expect.stringMatching(/is damaged/) }),
    )
  })

  test('every bit of the documents and of the dump counts', { timeout: 3 * MINUTE }, async () => {
    const { places, store } = bed
    const folder = `${store.storeId}/backups/${backupId}`
    const broken = {
      'backup.json': { state: 'damaged' },
      'manifest.json': { state: 'damaged', hasDump: true },
      'verified.json': { state: 'damaged', hasDump: true },
      // What cannot be believed is no report: the drill has to be held again.
      'drill.json': { state: 'complete', drill: undefined },
    }
    for (const [name, expected] of Object.entries(broken)) {
      const { byteLength } = await places.get(`${folder}/${name}`)
      for (const bit of fc.sample(fc.nat(byteLength * 8 - 1), { numRuns: 100, seed: SEED })) {
        places.fault = { read: (key, bytes) => (key.endsWith(name) ? withFlippedBit(bytes, bit) : bytes) }
        const found = await findBackup(places, store.storeId, backupId)
        expect({ drill: undefined, ...found }, `${name}, bit ${bit}`).toMatchObject(expected)
      }
    }
    places.fault = {}
    expect(await findBackup(places, store.storeId, backupId)).toMatchObject({
      state: 'complete',
      drill: { passed: true },
    })
  })

  test('who takes a snapshot starts from the backup, too', { timeout: 2 * MINUTE }, async () => {
    const { objects, context, store } = bed
    const [old] = await listed(objects, store.storeId)
    objects.fault = {
      read: (key, bytes) => (key.includes(`${old!.id}/image`) ? withFlippedBit(bytes, 8) : bytes),
    }
    const outcome = await takeSnapshot(jobContext(context))
    objects.fault = {}
    expect(outcome).toMatchObject({ made: true })
    expect(context.logger.lines.map(({ message }) => message)).toContain(fromImage)
  })
})
