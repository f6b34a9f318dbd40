import { afterAll, beforeAll, expect, test } from 'vitest'
import { archiveCheck } from '../../lib/doctor/checks/archive.ts'
import { bodiesCheck } from '../../lib/doctor/checks/bodies.ts'
import { logCheck } from '../../lib/doctor/checks/log.ts'
import { registryCheck } from '../../lib/doctor/checks/registry.ts'
import { snapshotsCheck } from '../../lib/doctor/checks/snapshots.ts'
import { copiesInArchive, planRepair, repair } from '../../lib/doctor/repair.ts'
import { isBorealError } from '../../lib/model/errors.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { MANIFEST, VERIFICATION } from '../../lib/snapshot/names.ts'
import { diceOf, type Flip, flipInItem, flipInObject } from '../doctor/bit-flips.ts'
import { DoctorBed } from '../doctor/doctor-bed.ts'
import type { Cleanup } from '../support/temporary.ts'

/**
 * A thousand changed bits, one at a time: every one is found, and none is ever served. The first half without an archive; the
 * second with one, from which what is damaged in the log is read, and put back.
 */

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

/** Asks again while a busy machine does not answer. */
async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isBorealError(error, 'log_unavailable')) throw error
    }
  }
}

/** What is read by a store that follows the whole log: a code, or the end, which the chain vouches for up to there. */
const END = 'its end'

/** What a store without snapshots meets when it follows the whole log; asks again while a busy machine does not answer. */
async function follow(): Promise<string> {
  for (;;) {
    const log = await bed.log()
    try {
      let last = 0
      for await (const page of log.follow(await log.genesis())) last = page.at(-1)!.lsn
      return last === state.lsn ? END : `LSN ${last}`
    } catch (error) {
      if (!isBorealError(error, 'log_unavailable')) return (error as { code: string }).code
    } finally {
      log.close()
    }
  }
}

/** Puts an entry back from the archive, byte for byte. */
async function mend(lsn: number, before: unknown): Promise<void> {
  const source = await bed.source()
  await repair(await planRepair(source, copiesInArchive(source, silentLogger), lsn), bed.mending)
  await source.close()
  expect(await bed.attributes(lsn), `LSN ${lsn}, put back`).toEqual(before)
}

test(`${FLIPS} changed bits in the log, its bodies, snapshots and archive`, { timeout: 60 * 60_000 }, async () => {
  const dice = diceOf(SEED)
  const document = (name: string) => `${bed.storeId}/snapshots/${snapshots[dice(2)]}/${name}`
  let lsn = 0
  let before: unknown
  let segments: string[] = []
  const item = async () => {
    lsn = dice(state.lsn + 1)
    before = await bed.attributes(lsn)
    return flipInItem(bed, lsn, dice)
  }
  const flips: (() => Promise<Flip>)[] = [
    item,
    item,
    () => (segments.length === 0 ? item() : flipInObject(bed, 'segment', segments[dice(segments.length)]!, dice)),
    () => flipInObject(bed, 'body', bodies[dice(2)]!, dice),
    () => flipInObject(bed, 'part', document(`image/0000${dice(2)}`), dice),
    () => flipInObject(bed, 'manifest', document(MANIFEST), dice),
    () => flipInObject(bed, 'verification', document(VERIFICATION), dice),
  ]
  const counts: Record<string, number> = {}
  for (let i = 0; i < FLIPS; i++) {
    if (i === Math.floor(FLIPS / 2)) {
      await untilAnswered(() => bed.archive())
      segments = (await bed.objects.list(`${bed.storeId}/archive/`)).objects.map(({ key }) => key)
    }
    const isArchived = segments.length > 0
    const flip = await flips[i % flips.length]!()
    const what = `seed ${SEED}, flip ${i}: ${flip.where}`
    const inLog = flip.kind === 'item' || flip.kind === 'body'
    const { severity } = await bed.diagnose({
      checks: inLog
        ? [registryCheck, logCheck, bodiesCheck]
        : flip.kind === 'segment'
          ? [archiveCheck]
          : [snapshotsCheck],
    })
    expect(severity, what).toBe('damage')
    if (inLog) expect(await follow(), what).toBe(isArchived ? END : 'log_corrupt')
    if (i % Math.ceil(FLIPS / NODES) === 0) {
      // With its snapshots, so that it may start from one that lies above what is damaged in the log.
      const started = await bed.node().catch((error: { code: string }) => error)
      if ('code' in started) expect(started.code, what).toBe('log_corrupt')
      else {
        expect(await started.digest(), what).toEqual(state)
        await started.close()
      }
    }
    if (isArchived && flip.kind === 'item' && i % 5 === 0) await mend(lsn, before)
    await flip.undo()
    counts[flip.kind] = (counts[flip.kind] ?? 0) + 1
    if (i % 100 === 99) process.stdout.write(`found: ${JSON.stringify(counts)}\n`)
  }
  const { severity, findings } = await bed.diagnose({ deep: true })
  expect([severity, findings]).toEqual(['ok', []])
})
