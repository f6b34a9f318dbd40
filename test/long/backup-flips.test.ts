import { expect, test } from 'vitest'
import { drillBackup } from '../../lib/backup/drill.ts'
import { DRILL } from '../../lib/backup/names.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import { isBorealError } from '../../lib/model/errors.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { diceOf } from '../doctor/bit-flips.ts'
import { filledStore } from '../support/backups.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota } from '../support/requests.ts'
import { RecordingLogger, withFlippedBit } from '../support/snapshots.ts'

/**
 * Changed bits in what a backup consists of, one at a time: a drill finds every one, and a node that has nothing but the backup and
 * the log starts from what of it is whole: the dump when the image is damaged, the image when the dump is, the log at last.
 */

const FLIPS = Number(process.env.BACKUP_FLIPS ?? 200)
const SEED = Number(process.env.SEED ?? 19)
/** A node is started for so many of them. */
const NODES = 40

/** Where a node begins that has nothing else, by what of the backup is damaged. */
const BEGINS: Record<string, RegExp> = {
  'backup.json': /^$/,
  dump: /restoring a backup$/,
  image: /loading the dump of a backup$/,
  'manifest.json': /loading the dump of a backup$/,
  'verified.json': /loading the dump of a backup$/,
}

test(`${FLIPS} changed bits in a backup`, { timeout: 60 * 60_000 }, async () => {
  const dice = diceOf(SEED)
  const { node, store, objects, places, context } = await filledStore()
  await takeSnapshot(context)
  const { backupId } = await takeBackup(context)
  await node.submit(request([saveQuota('tail')]), as('p'))
  const state = await node.digest()
  const keys = (await places.list(`${store.storeId}/backups/${backupId}/`)).objects.map(({ key }) => key)
  // The report of a drill is no part of what is restored: one that cannot be believed is made again.
  const parts = keys.filter((key) => !key.endsWith(DRILL))
  const kinds = [...new Set(parts.map((key) => key.split('/')[3]!))]
  expect(kinds.sort()).toEqual(Object.keys(BEGINS).sort())

  const counts: Record<string, number> = {}
  let nodes = 0
  for (let i = 0; i < FLIPS; i++) {
    const kind = kinds[i % kinds.length]!
    const some = parts.filter((key) => key.split('/')[3] === kind)
    const damaged = some[dice(some.length)]!
    const bit = dice((await places.get(damaged)).byteLength * 8)
    const what = `seed ${SEED}, flip ${i}: bit ${bit} of ${damaged}`
    const read = (key: string, bytes: Uint8Array) => (key === damaged ? withFlippedBit(bytes, bit) : bytes)
    places.fault = { read }
    const found = await drillBackup(context, backupId).catch((error: unknown) => error)
    if (found instanceof Error) expect(isBorealError(found, 'backup_corrupt'), what).toBe(true)
    else expect(found, what).toMatchObject({ passed: false })
    // Whole rounds of the kinds, so that there is a node for each of them.
    if (Math.floor(i / kinds.length) % Math.ceil(FLIPS / NODES) === 0) {
      const logger = new RecordingLogger()
      objects.fault = { read: (key, bytes) => (/\/snapshots\//.test(key) ? withFlippedBit(bytes, 99) : bytes) }
      const { node: started } = await memoryNode({ ...store, objects, backups: places, logger })
      objects.fault = {}
      expect(await started.digest(), what).toEqual(state)
      await started.close()
      const origin = logger.lines.findLast(({ message }) => message.startsWith('no snapshot can be used'))
      expect(origin?.message ?? '', what).toMatch(BEGINS[kind]!)
      nodes++
    }
    places.fault = {}
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  process.stdout.write(`found: ${JSON.stringify(counts)}; ${nodes} nodes started\n`)
  expect(await drillBackup(context, backupId)).toMatchObject({ passed: true })
})
