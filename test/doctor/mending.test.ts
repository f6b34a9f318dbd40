import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { planQuarantine, quarantine } from '../../lib/doctor/quarantine.ts'
import { type Copies, copiesIn, planRepair, repair } from '../../lib/doctor/repair.ts'
import { markOf } from '../../lib/log/chain.ts'
import { transaction } from '../log/log-bed.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { diceOf, flipInItem } from './bit-flips.ts'
import { DoctorBed, found, openedExport, submitTask } from './doctor-bed.ts'

/** What is damaged is put back from a copy, or stepped over by everybody, and nothing else is ever changed. */

let bed: DoctorBed

beforeEach(async () => {
  bed = await DoctorBed.open(onTestFinished)
})

/** An export of the bed as it is now, as a place of copies. */
async function copies(): Promise<Copies> {
  const file = join(await temporaryFolder(), 'log.ndjson')
  await writeFile(file, await bed.exported())
  return copiesIn(await openedExport(file))
}

async function repairFrom(place: Copies, lsn: number): Promise<string[]> {
  const plan = await planRepair(await bed.source(), place, lsn)
  await repair(plan, bed.mending)
  return plan.writes
}

async function step(lsn: number, options: { to?: number; copies?: Copies[] } = {}) {
  const source = await bed.source()
  const request = { lsn, to: options.to ?? lsn, reason: 'the disk', by: 'ann' }
  const plan = await planQuarantine(source, request, options.copies ?? [])
  const log = await bed.log()
  return quarantine(plan, source, log, bed.mending)
}

const corrupt = (item: Parameters<Parameters<DoctorBed['damageItem']>[1]>[0]) => ({ ...item, time: { N: '1' } })
const without = (body: 'body') => (item: Parameters<typeof corrupt>[0]) => ({
  ...item,
  [body]: { B: Buffer.from('x') },
})

test('an entry, a body and several missing entries are put back byte for byte', { timeout: 120_000 }, async () => {
  await bed.save('t-1', 't-2', 't-3')
  const key = await bed.saveLarge()
  const state = await bed.save('t-4')
  const place = await copies()
  const items = await Promise.all([1, 2, 3, 4, 5].map((lsn) => bed.attributes(lsn)))

  const dice = diceOf(1)
  for (const lsn of [2, 5, 2, 5]) {
    await flipInItem(bed, lsn, dice)
    expect(await repairFrom(place, lsn)).toEqual(['item'])
  }
  await bed.damageObject(key, (bytes) => bytes.subarray(1))
  expect(await repairFrom(place, 4)).toEqual(['body'])
  await bed.objects.delete(key)
  expect(await repairFrom(place, 4)).toEqual(['body'])
  for (const lsn of [1, 2, 3]) await bed.remove(lsn)
  await expect(repairFrom(place, 1)).rejects.toThrow(/the entry at 2 is bad, too: repair that one first/)
  for (const lsn of [3, 2, 1]) expect(await repairFrom(place, lsn)).toEqual(['item'])

  expect(await Promise.all([1, 2, 3, 4, 5].map((lsn) => bed.attributes(lsn)))).toEqual(items)
  expect(found(await bed.diagnose())).toEqual([])
  expect(await (await bed.node()).digest()).toEqual(state)
})

test('refuses to repair what is intact, and to put back what was never there', { timeout: 120_000 }, async () => {
  await bed.save('t-1', 't-2')
  const place = await copies()
  await expect(planRepair(await bed.source(), place, 1)).rejects.toThrow(/log entry 1 is intact/)
  await bed.save('t-3')

  const log = await bed.log()
  const [first, second] = [(await log.entry(1))!, (await log.entry(2))!]
  const forged = log.encode(markOf(first), second.time, [transaction('forged')])
  const forger: Copies = { place: 'a forged copy', find: async () => forged }
  await bed.damageItem(2, corrupt)
  await expect(planRepair(await bed.source(), forger, 2)).rejects.toThrow(/it has another hash than the chain/)
  const damaged: Copies = { place: 'a bad copy', find: async () => ({ ...forged, body: Buffer.from('x') }) }
  await expect(planRepair(await bed.source(), damaged, 2)).rejects.toThrow(/its body does not match/)
  await expect(planRepair(await bed.source(), place, 3)).rejects.toMatchObject({ code: 'precondition_failed' })
  const nowhere: Copies = { place: 'an empty place', find: async () => undefined }
  await expect(planRepair(await bed.source(), nowhere, 2)).rejects.toMatchObject({ code: 'not_found' })
})

test('a repair is refused when the slot was changed after it was looked at', { timeout: 120_000 }, async () => {
  await bed.save('t-1', 't-2', 't-3')
  const place = await copies()
  await bed.damageItem(2, corrupt)
  const plan = await planRepair(await bed.source(), place, 2)
  await bed.damageItem(2, (item) => ({ ...item, time: { N: '2' } }))
  await expect(repair(plan, bed.mending)).rejects.toMatchObject({ code: 'precondition_failed' })
})

test('an entry without a copy is stepped over by every store alike, and said for ever', {
  timeout: 120_000,
}, async () => {
  await bed.save('t-1')
  const node = await bed.node()
  expect(await submitTask(node, 't-2', 'key-of-2')).toBe(2)
  expect(await submitTask(node, 't-3', 'key-of-3')).toBe(3)
  await node.close()
  await bed.damageItem(2, corrupt)
  await expect(bed.node()).rejects.toMatchObject({ code: 'log_corrupt', lsn: 2 })

  const record = await step(2)
  expect(record).toMatchObject({
    lsn: 2,
    to: 2,
    reason: 'the disk',
    by: 'ann',
    failure: 'its attributes do not match its checksum',
  })
  const [one, other] = [await bed.node(), await bed.node()]
  const state = await one.digest()
  expect(await other.digest()).toEqual(state)
  // 1, 2 (nothing), 3, and the empty entry in which running nodes hear of it.
  expect(state.lsn).toBe(4)
  expect((await one.status()).quarantined).toEqual([record])
  expect(
    (await one.log.page(0, 10)).map(({ lsn, transactions, quarantined }) => [
      lsn,
      transactions.length,
      quarantined?.reason,
    ]),
  ).toEqual([
    [1, 2, undefined],
    [2, 0, 'the disk'],
    [3, 1, undefined],
    [4, 0, undefined],
  ])
  // What was in it is lost, with its answer: the same request is carried out again.
  expect(await submitTask(one, 't-3', 'key-of-3')).toBe(3)
  expect(await submitTask(one, 't-2', 'key-of-2')).toBe(5)
  await expect(one.answerAt(2, 0)).rejects.toThrow(/entry 2 was quarantined \(the disk\)/)
  await other.confirm()
  expect(await other.digest()).toEqual(await one.digest())
  await one.close()
  await other.close()

  expect(found(await bed.diagnose())).toEqual([
    expect.stringMatching(/^warning 2: quarantined by ann on .* \(the disk\)/),
  ])
  await bed.snapshot()
  expect((await bed.diagnose({ deep: true })).severity).toBe('warning')
  await expect(step(2)).rejects.toThrow(/quarantined already/)
})

test('a node that had applied the entry stops where it hears of the quarantine', { timeout: 120_000 }, async () => {
  await bed.save('t-1', 't-2', 't-3')
  const running = await bed.node()
  await bed.damageItem(2, corrupt)
  await step(2)
  await expect(running.confirm()).rejects.toMatchObject({ code: 'log_corrupt', message: /Restart this node/ })
  await expect(running.confirm()).rejects.toMatchObject({ code: 'log_corrupt', message: /Restart this node/ })
  await expect(submitTask(running, 't-4')).rejects.toMatchObject({
    code: expect.stringMatching(/log_corrupt|log_unavailable|outcome_unknown|deadline/),
  })
  await running.close()
  const restarted = await bed.node()
  await submitTask(restarted, 't-4')
})

test('the last entry, a lost body and entries that are missing are stepped over, too', {
  timeout: 120_000,
}, async () => {
  await bed.save('t-1', 't-2', 't-3', 't-4', 't-5', 't-6')
  await bed.remove(2)
  await bed.remove(3)
  await expect(step(2)).rejects.toThrow(/log entry 3 is bad, too: quarantine 2\.\.3/)
  await expect(step(3)).rejects.toThrow(/log entry 2 is bad, too: quarantine 2\.\.3/)
  await expect(step(2, { to: 4 })).rejects.toThrow(/log entry 4 is intact/)
  expect(await step(2, { to: 3 })).toMatchObject({ lsn: 2, to: 3, transactions: null })
  await bed.damageItem(5, without('body'))
  expect(await step(5)).toMatchObject({ lsn: 5, transactions: 1 })
  const end = (await bed.save('t-7')).lsn
  await bed.damageItem(end, corrupt)
  expect(await step(end)).toMatchObject({ lsn: end })
  const node = await bed.node()
  const state = await node.digest()
  await submitTask(node, 't-8')
  await node.close()
  expect((await bed.diagnose()).severity).toBe('warning')
  expect(state.lsn).toBeGreaterThan(end)
})

test('refuses to step over what is intact, what has a copy, and what a snapshot makes needless', {
  timeout: 120_000,
}, async () => {
  await bed.save('t-1', 't-2', 't-3')
  const place = await copies()
  await expect(step(0)).rejects.toThrow(/cannot be stepped over/)
  await expect(step(2)).rejects.toThrow(/log entry 2 is intact/)
  await expect(step(9)).rejects.toThrow(/the log ends before 9/)
  const snapshot = await bed.snapshot()
  const state = await bed.save('t-4')
  for (const lsn of [2, 3]) await bed.damageItem(lsn, corrupt)
  // Not even an entry that the snapshot ends with is needed: the one behind it says which it was.
  for (const lsn of [2, 3])
    await expect(step(lsn)).rejects.toThrow(new RegExp(`start from the verified snapshot ${snapshot}`))
  const node = await bed.node()
  expect(await node.digest()).toEqual(state)
  await node.close()
  await bed.damageItem(4, corrupt)
  await expect(step(4, { copies: [await copies()] })).resolves.toMatchObject({ lsn: 4 })
  expect(found(await bed.diagnose()).filter((each) => /^warning 4/.test(each))).toHaveLength(1)
  expect((await place.find(2))!.item.lsn).toBe(2)
})

test('a copy goes before a quarantine', { timeout: 120_000 }, async () => {
  await bed.save('t-1', 't-2', 't-3')
  const place = await copies()
  const undo = await bed.damageItem(2, corrupt)
  await expect(step(2, { copies: [place] })).rejects.toThrow(
    /has an intact copy of log entry 2: boreal doctor repair 2/,
  )
  await undo()
})

test('a snapshot from before the quarantine, with what was lost in it, is not restored', {
  timeout: 120_000,
}, async () => {
  await bed.save('t-1', 't-2', 't-3')
  const snapshot = await bed.snapshot()
  await bed.save('t-4')
  const part = `${bed.storeId}/snapshots/${snapshot}/image/00000`
  const mend = await bed.damageObject(part, (bytes) => bytes.subarray(1))
  await bed.damageItem(2, corrupt)
  await step(2)
  const state = await (await bed.node()).digest()
  await mend()
  expect(await (await bed.node()).digest()).toEqual(state)
  expect(found(await bed.diagnose())).toContainEqual(expect.stringMatching(/^warning 3: it was taken before an entry/))
})
