import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bodiesCheck } from '../../lib/doctor/checks/bodies.ts'
import { logCheck } from '../../lib/doctor/checks/log.ts'
import { registryCheck } from '../../lib/doctor/checks/registry.ts'
import { snapshotsCheck } from '../../lib/doctor/checks/snapshots.ts'
import { markOf } from '../../lib/log/chain.ts'
import { toAttributes } from '../../lib/log/dynamo-item.ts'
import { encodeEntry } from '../../lib/log/entry-codec.ts'
import { BUCKET_SIZE } from '../../lib/log/keys.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { MANIFEST, VERIFICATION } from '../../lib/snapshot/names.ts'
import { transaction } from '../log/log-bed.ts'
import { type Cleanup, temporaryFolder } from '../support/temporary.ts'
import { diceOf, type Flip, flipInItem, flipInObject } from './bit-flips.ts'
import { DoctorBed, found, openedExport } from './doctor-bed.ts'

/** Whatever is wrong is found, said with its place, and never served. */

const SEED = Number(process.env.SEED ?? 6)
const LOG_CHECKS = [registryCheck, logCheck, bodiesCheck]

const cleanups: (() => Promise<void>)[] = []
const cleanup: Cleanup = (work) => cleanups.unshift(work)
let bed: DoctorBed
let body: string
let snapshot: string
let state: { lsn: number; digest: string }

beforeAll(async () => {
  bed = await DoctorBed.open(cleanup)
  await bed.save('t-1', 't-2')
  body = await bed.saveLarge()
  await bed.save('t-3')
  snapshot = await bed.snapshot()
  state = await bed.save('t-4', 't-5')
}, 120_000)

afterAll(async () => {
  for (const work of cleanups) await work()
})

/** What the log's checks find. */
const findInLog = async () => found(await bed.diagnose({ checks: LOG_CHECKS }))

/** Follows the whole log as a store does. */
async function follow(): Promise<number> {
  const log = await bed.log()
  let last = 0
  for await (const page of log.follow(await log.genesis())) last = page.at(-1)!.lsn
  return last
}

test('a changed bit in an item or a body is found, and no store goes past it', { timeout: 120_000 }, async () => {
  const dice = diceOf(SEED)
  for (let i = 0; i < 40; i++) {
    const flip: Flip =
      i % 10 === 9 ? await flipInObject(bed, 'body', body, dice) : await flipInItem(bed, dice(state.lsn + 1), dice)
    const { severity } = await bed.diagnose({ checks: LOG_CHECKS })
    expect(severity, `flip ${i}: ${flip.where}`).toBe('damage')
    await expect(follow(), `flip ${i}: ${flip.where}`).rejects.toMatchObject({ code: 'log_corrupt' })
    await flip.undo()
  }
  expect(await findInLog()).toEqual([])
})

test('a changed bit in a snapshot is found, and a node starts without it', { timeout: 120_000 }, async () => {
  const dice = diceOf(SEED)
  const key = (name: string) => `${bed.storeId}/snapshots/${snapshot}/${name}`
  const places = [
    ['part', key('image/00000')],
    ['manifest', key(MANIFEST)],
    ['verification', key(VERIFICATION)],
  ] as const
  for (const [kind, place] of places) {
    const flip = await flipInObject(bed, kind, place, dice)
    const { severity } = await bed.diagnose({ checks: [snapshotsCheck] })
    expect(severity, flip.where).toBe('damage')
    if (kind !== 'verification') {
      const node = await bed.node()
      expect(await node.digest()).toEqual(state)
      await node.close()
    }
    await flip.undo()
  }
})

test('a missing entry is named, and the rest is examined all the same', async () => {
  const item = (await bed.attributes(2))!
  await bed.remove(2)
  expect(await findInLog()).toEqual(['damage 2: it is missing'])
  await expect(follow()).rejects.toMatchObject({ lsn: 2 })
  await bed.put(item)
  expect(await findInLog()).toEqual([])
})

test('a bucket that ends early is found when the next one has begun', async () => {
  const { item } = encodeEntry(
    { lsn: BUCKET_SIZE, time: Date.now(), prev: '0'.repeat(64), transactions: [transaction('far')] },
    { storeId: bed.storeId, writer: 'w', attempt: systemRuntime.newId() },
  )
  await bed.put(toAttributes(item))
  const end = state.lsn
  expect(await findInLog()).toEqual([
    `damage ${end + 1}..${BUCKET_SIZE - 1}: ${BUCKET_SIZE - 1 - end} entries are missing`,
  ])
  await bed.remove(BUCKET_SIZE)
})

test('swapped entries, and one of another store, are damage', async () => {
  const [one, two] = [(await bed.attributes(1))!, (await bed.attributes(2))!]
  await bed.put(one, 2)
  await bed.put(two, 1)
  const checksum = 'its attributes do not match its checksum'
  expect(await findInLog()).toEqual([`damage 1: ${checksum}`, `damage 2: ${checksum}`])
  await bed.put(one)
  await bed.put(two)

  const foreign = encodeEntry(
    { lsn: 2, time: Date.now(), prev: '', transactions: [transaction('foreign')] },
    { storeId: systemRuntime.newId(), writer: 'w', attempt: systemRuntime.newId() },
  )
  await bed.put(toAttributes(foreign.item), 2)
  expect((await findInLog())[0]).toMatch(/^damage 2: it belongs to another store/)
  await expect(follow()).rejects.toMatchObject({ lsn: 2 })
  await bed.put(two)
})

test('an entry of another history in its place is found by the chain, on both sides', async () => {
  const item = (await bed.attributes(2))!
  const log = await bed.log()
  const before = (await log.entry(1))!
  const other = log.encode(markOf(before), before.time, [transaction('other')])
  await bed.put(toAttributes(other.item))
  expect(await findInLog()).toEqual(['damage 3: it does not follow the entry at 2'])
  await bed.put(item)
})

test('a body that is missing is damage; one that no entry names is a warning after a day', async () => {
  const bytes = await bed.objects.get(body)
  await bed.objects.delete(body)
  expect(await findInLog()).toEqual([`damage 3: its body ${body} is missing`])
  await bed.objects.put(body, bytes)

  const young = `${bed.storeId}/bodies/0000000000000002-${systemRuntime.newId()}`
  const old = `${bed.storeId}/bodies/0000000000000002-01M00000000000000000000000`
  for (const key of [young, old]) await bed.objects.put(key, bytes)
  expect(await findInLog()).toEqual(['warning: no entry names this body: slot 2 has another entry'])
  for (const key of [young, old]) await bed.objects.delete(key)
})

test('a head item that trims what is there, or cannot be read, and a registry that names another store, are damage', async () => {
  await bed.putHead({ trimmedTo: { N: '2' } })
  expect(await findInLog()).toEqual(['damage: it says that the log is trimmed to 2, and LSN 0 is whole'])
  await bed.putHead({ trimmedTo: { N: '0' }, quarantined: { S: '{"records":[]}' } })
  expect(await findInLog()).toEqual(['damage: the list of quarantined entries is damaged'])
  await expect(follow()).rejects.toMatchObject({ code: 'log_corrupt' })
  await bed.putHead({ trimmedTo: { N: '0' } })
  const source = await bed.source()
  const wrong = { name: 'main', storeId: 'X', state: 'opened', createdMs: 1 }
  const log = Object.assign(source.log, { registration: async () => wrong })
  expect(found(await bed.diagnose({ checks: [registryCheck], source: { ...source, log } }))).toEqual([
    `damage: the name means store X, and ${bed.storeId} was asked for`,
    'damage: its state is opened',
    expect.stringMatching(/^damage: it says that the store was created at 1,/),
  ])
})

test('a log that ends before a snapshot has lost what was durable', async () => {
  const items = await Promise.all([4, 5, 6].map((lsn) => bed.attributes(lsn)))
  for (const lsn of [4, 5, 6]) await bed.remove(lsn)
  expect(found(await bed.diagnose({ checks: [logCheck, snapshotsCheck] }))).toEqual([
    'damage 4: the log has no entry at its LSN: entries that were durable are gone',
  ])
  for (const item of items) await bed.put(item!)
})

test('an export that was cut off, or changed, is found to be so', async () => {
  const file = join(await temporaryFolder(), 'log.ndjson')
  const text = await bed.exported()
  const problems = async (changed: string) => {
    await writeFile(file, changed)
    return found(await bed.diagnose({ source: await openedExport(file) }))
  }
  expect(await problems(text)).toEqual([])
  const lines = text.split('\n')
  expect(await problems(lines.slice(0, -2).join('\n'))).toEqual([
    'damage: it has no end: it was cut off, or is still being written',
  ])
  const without = [...lines.slice(0, 3), ...lines.slice(4)].join('\n')
  expect(await problems(without)).toEqual(['damage: it does not match its checksum', 'damage 2: it is missing'])
  await writeFile(file, text)
  await truncate(file, Math.floor(text.length / 2))
  expect((await bed.diagnose({ source: await openedExport(file) })).severity).toBe('damage')

  const dice = diceOf(SEED)
  for (let i = 0; i < 40; i++) {
    const bytes = Buffer.from(text)
    bytes[dice(bytes.byteLength)]! ^= 1 << dice(8)
    await writeFile(file, bytes)
    const severity = await openedExport(file).then(
      async (changed) => (await bed.diagnose({ source: changed })).severity,
      (error: { code: string }) => error.code,
    )
    expect(['damage', 'log_corrupt'], `flip ${i}`).toContain(severity)
  }
}, 30_000)
