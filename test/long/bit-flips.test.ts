import { afterAll, beforeAll, expect, test } from 'vitest'
import { bodiesCheck } from '../../lib/doctor/checks/bodies.ts'
import { logCheck } from '../../lib/doctor/checks/log.ts'
import { registryCheck } from '../../lib/doctor/checks/registry.ts'
import { snapshotsCheck } from '../../lib/doctor/checks/snapshots.ts'
import { isBorealError } from '../../lib/model/errors.ts'
import { MANIFEST, VERIFICATION } from '../../lib/snapshot/names.ts'
import { diceOf, type Flip, flipInItem, flipInObject } from '../doctor/bit-flips.ts'
import { DoctorBed } from '../doctor/doctor-bed.ts'
import type { Cleanup } from '../support/temporary.ts'

/** A thousand changed bits, one at a time: every one is found, and none is ever served. */

const FLIPS = Number(process.env.FLIPS ?? 1_000)
const SEED = Number(process.env.SEED ?? 19)
/** A node is started for so many of them; the others are read as stores read them. */
const NODES = 40

const cleanups: (() => Promise<void>)[] = []
const cleanup: Cleanup = (work) => cleanups.unshift(work)
let bed: DoctorBed
let bodies: string[]
let snapshots: string[]
let state: { lsn: number; digest: string }

beforeAll(async () => {
  bed = await DoctorBed.open(cleanup)
  const names = (from: number) => Array.from({ length: 10 }, (_, index) => `t-${from + index}`)
  await bed.save(...names(0))
  bodies = [await bed.saveLarge()]
  snapshots = [await bed.snapshot()]
  await bed.save(...names(10))
  bodies.push(await bed.saveLarge())
  snapshots.push(await bed.snapshot())
  state = await bed.save(...names(20))
}, 120_000)

afterAll(async () => {
  for (const work of cleanups) await work()
})

/** What a store without snapshots meets when it follows the whole log; asks again while a busy machine does not answer. */
async function follow(): Promise<string> {
  for (;;) {
    const log = await bed.log()
    try {
      for await (const _ of log.follow(await log.genesis()));
      return 'its end'
    } catch (error) {
      if (!isBorealError(error, 'log_unavailable')) return (error as { code: string }).code
    } finally {
      log.close()
    }
  }
}

test(`${FLIPS} changed bits in the log, its bodies and snapshots`, { timeout: 60 * 60_000 }, async () => {
  const dice = diceOf(SEED)
  const document = (name: string) => `${bed.storeId}/snapshots/${snapshots[dice(2)]}/${name}`
  const flips: (() => Promise<Flip>)[] = [
    () => flipInItem(bed, dice(state.lsn + 1), dice),
    () => flipInItem(bed, dice(state.lsn + 1), dice),
    () => flipInItem(bed, dice(state.lsn + 1), dice),
    () => flipInObject(bed, 'body', bodies[dice(2)]!, dice),
    () => flipInObject(bed, 'part', document(`image/0000${dice(2)}`), dice),
    () => flipInObject(bed, 'manifest', document(MANIFEST), dice),
    () => flipInObject(bed, 'verification', document(VERIFICATION), dice),
  ]
  const counts: Record<string, number> = {}
  for (let i = 0; i < FLIPS; i++) {
    const flip = await flips[i % flips.length]!()
    const what = `seed ${SEED}, flip ${i}: ${flip.where}`
    const inLog = flip.kind === 'item' || flip.kind === 'body'
    const { severity } = await bed.diagnose({
      checks: inLog ? [registryCheck, logCheck, bodiesCheck] : [snapshotsCheck],
    })
    expect(severity, what).toBe('damage')
    if (inLog) expect(await follow(), what).toBe('log_corrupt')
    if (i % Math.ceil(FLIPS / NODES) === 0) {
      // With its snapshots, so that it may start from one that lies above what is damaged in the log.
      const started = await bed.node().catch((error: { code: string }) => error)
      if ('code' in started) expect(started.code, what).toBe('log_corrupt')
      else {
        expect(await started.digest(), what).toEqual(state)
        await started.close()
      }
    }
    await flip.undo()
    counts[flip.kind] = (counts[flip.kind] ?? 0) + 1
    if (i % 100 === 99) process.stdout.write(`found: ${JSON.stringify(counts)}\n`)
  }
  const { severity, findings } = await bed.diagnose({ deep: true })
  expect([severity, findings]).toEqual(['ok', []])
})
