import fc from 'fast-check'
import { expect, test } from 'vitest'
import { archive } from '../../lib/archive/archive.ts'
import { readHoldings, uncovered } from '../../lib/archive/coverage.ts'
import { lsnAtTime } from '../../lib/archive/lsn-at-time.ts'
import { chainOf, listSegments } from '../../lib/archive/segments.ts'
import { trim } from '../../lib/archive/trim.ts'
import { DAY_MS, TRIM_SETTINGS } from '../../lib/archive/trim-settings.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import type { Log } from '../../lib/log/log.ts'
import { MemoryTable } from '../../lib/log/memory-log.ts'
import { onlyEmptyStore, openStore, type PlacedImage } from '../../lib/replica/image-source.ts'
import { replay } from '../../lib/replica/replay.ts'
import { snapshotImages } from '../../lib/snapshot/snapshot-images.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { digestOf, digestStatement } from '../../lib/store/digest.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { randomTransaction } from '../support/random-transactions.ts'
import { snapshotContext, submitAll, temporaryObjects, trimContext } from '../support/snapshots.ts'

const MINUTE = 60_000

/** Digests at LSNs, one store going from one to the next. */
async function digestsAt(log: Log, image: PlacedImage, lsns: number[]): Promise<Map<number, string>> {
  const store = await openStore(await PgliteEngine.bootImage(image), image)
  const digests = new Map<number, string>()
  for (const lsn of lsns) {
    await replay(log, store, { upTo: lsn })
    expect(store.mark.lsn).toBe(lsn)
    const [digest] = await store.run([digestStatement])
    digests.set(lsn, digestOf(digest))
  }
  await store.engine.kill()
  return digests
}

test('whatever was archived, trimmed and snapshotted in between, every LSN is what the whole log gives', {
  timeout: 5 * MINUTE,
}, async () => {
  const seed = Number(process.env.SEED ?? 6)
  const action = fc.constantFrom('write', 'write', 'write', 'archive', 'snapshot', 'trim', 'trim')
  const [actions] = fc.sample(fc.array(action, { minLength: 14, maxLength: 14, size: 'max' }), { numRuns: 1, seed })
  const pieces = fc.sample(fc.array(randomTransaction, { minLength: 4, maxLength: 12 }), { numRuns: 20, seed })
  const objects = await temporaryObjects()
  const runtime = new ManualRuntime()
  const { node, ...store } = await memoryNode({ objects, runtime, pollMs: 0 })
  const context = () => trimContext(store, objects, { runtime })
  /** Every item that there ever was: what a log that nobody trims would have. */
  const untrimmed = new Map<number, LogItem>()
  const keep = () => {
    for (const [lsn, item] of store.table.slots)
      if (item.trimmed === undefined) untrimmed.set(lsn, structuredClone(item))
  }
  const settings = { ...TRIM_SETTINGS, tableMs: 0, tombstoneMs: 2 * DAY_MS, retentionMs: 1_000 * DAY_MS }
  const done = {
    write: async () => submitAll(node, pieces.pop() ?? []),
    archive: async () => archive(await context()),
    snapshot: async () => takeSnapshot(await context()),
    trim: async () => {
      runtime.elapse({ wall: DAY_MS, monotonic: DAY_MS })
      expect((await trim(await context(), { settings })).refused).toEqual([])
    },
  }
  for (const next of [...actions!, 'snapshot', 'archive', 'trim', 'write', 'trim', 'trim', 'trim'] as const) {
    await done[next]()
    keep()
    expect(uncovered(await readHoldings(await context(), settings.retentionMs)), next).toEqual([])
  }
  const end = node.tailLsn
  expect(store.table.head.trimmedTo).toBeGreaterThan(0)
  expect([...untrimmed.keys()]).toHaveLength(end + 1)

  const reference = new MemoryTable()
  for (const [lsn, item] of untrimmed) reference.slots.set(lsn, item)
  const whole = await snapshotContext({ ...store, table: reference }, await temporaryObjects(), { runtime })
  const all = Array.from({ length: end }, (_, index) => index + 1)
  const emptyOf = async (log: Log) => {
    for await (const image of onlyEmptyStore(whole.base, () => log.genesis()).images(end)) return image
    throw new Error('no image')
  }
  const expected = await digestsAt(whole.log, await emptyOf(whole.log), all)
  const { log, logger } = await context()
  expect(await digestsAt(log, await emptyOf(log), all)).toEqual(expected)
  // And from every snapshot, to some of the LSNs behind it.
  for await (const image of snapshotImages({ objects, log, base: whole.base, logger }).images(end)) {
    const some = all.filter((lsn) => lsn >= image.mark.lsn && (lsn === end || lsn % 3 === 0))
    for (const [lsn, digest] of await digestsAt(log, image, some)) expect(digest).toBe(expected.get(lsn))
  }
  const { segments } = chainOf(await listSegments(objects, store.storeId))
  for (const [lsn, { time }] of untrimmed) {
    const later = [...untrimmed.values()].filter((item) => item.time <= time).map((item) => item.lsn)
    expect(await lsnAtTime(log, segments, time), `LSN ${lsn}`).toBe(Math.max(...later))
  }
})
