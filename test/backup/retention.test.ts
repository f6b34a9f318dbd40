import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Backup } from '../../lib/backup/catalog.ts'
import { BACKUP_RETENTION, keptBackups, retainBackups } from '../../lib/backup/retention.ts'
import { takeBackup } from '../../lib/backup/take.ts'
import { backupJob } from '../../lib/node/backup-job.ts'
import { backupContext, filledStore, listedBackups } from '../support/backups.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { as, request, saveQuota } from '../support/requests.ts'

/** What is kept, and when the rest goes. */

const HOUR = 60 * 60 * 1_000
const DAY = 24 * HOUR

/** Backups that were made at these hours, the newest first. */
function madeAt(hours: number[], state: Backup['state'] = 'complete'): Backup[] {
  const sorted = hours.toSorted((a, b) => b - a)
  return sorted.map((hour, index) => {
    const lsn = sorted.length - index
    const document = { takenAt: hour * HOUR } as NonNullable<Backup['document']>
    return { id: String(lsn), storeId: 's', lsn, state, bytes: 1, hasDump: true, document }
  })
}

const hourOf = (backup: Backup) => backup.document!.takenAt / HOUR

test('of a year of hourly backups the newest stay, and the last of each day and week', () => {
  const all = madeAt(Array.from({ length: 365 * 24 }, (_, hour) => hour))
  const kept = [...keptBackups(all, BACKUP_RETENTION)].map(hourOf).toSorted((a, b) => b - a)
  expect(kept.slice(0, 48)).toEqual(Array.from({ length: 48 }, (_, index) => 365 * 24 - 1 - index))
  // Fourteen days with today, of which two are among the newest; eight weeks, of which three are among the days.
  expect(kept).toHaveLength(48 + 12 + 5)
  expect(kept.slice(48, 60).every((hour) => hour % 24 === 23)).toBe(true)
  // Sundays: 1 January 1970 was a Thursday.
  expect(kept.slice(60).every((hour) => Math.floor(hour / 24) % 7 === 3)).toBe(true)
})

test('rules of every retention', () => {
  const hours = fc.uniqueArray(fc.nat(60 * 24), { maxLength: 80 })
  const retention = fc.record({ newest: fc.nat(20), days: fc.nat(10), weeks: fc.nat(5), graceMs: fc.constant(HOUR) })
  const check = (made: number[], rules: typeof BACKUP_RETENTION, next: number) => {
    const all = madeAt(made)
    const kept = keptBackups(all, rules)
    for (const backup of all.slice(0, rules.newest)) expect(kept.has(backup)).toBe(true)
    const days = new Set(all.map((backup) => Math.floor(hourOf(backup) / 24)))
    for (const day of [...days].slice(0, rules.days)) {
      const last = all.find((backup) => Math.floor(hourOf(backup) / 24) === day)!
      expect(kept.has(last)).toBe(true)
    }
    expect(kept.size).toBeLessThanOrEqual(rules.newest + rules.days + rules.weeks)
    // Deleting what is not kept changes nothing of what is kept then.
    expect([
      ...keptBackups(
        [...all].filter((backup) => kept.has(backup)),
        rules,
      ),
    ]).toEqual(expect.arrayContaining([...kept]))
    // What went once is not missed when others come.
    const later = madeAt([...made, 61 * 24 + next])
    const keptLater = new Set([...keptBackups(later, rules)].map(hourOf))
    const gone = new Set(all.filter((backup) => !kept.has(backup)).map(hourOf))
    for (const hour of keptLater) expect(gone.has(hour)).toBe(false)
  }
  fc.assert(fc.property(hours, retention, fc.nat(100), check), { numRuns: 500, seed: Number(process.env.SEED ?? 1) })
})

test('what is not sound displaces nothing that is, and goes with what is older', () => {
  const sound = madeAt([1, 2, 3])
  const failed = madeAt([50, 51, 52, 53]).map((backup) => ({
    ...backup,
    lsn: backup.lsn + 10,
    drill: { passed: false } as NonNullable<Backup['drill']>,
  }))
  const unfinished = madeAt([0], 'unfinished')
  const kept = keptBackups([...failed, ...sound, ...unfinished], { newest: 2, days: 0, weeks: 0, graceMs: HOUR })
  expect([...kept].map(({ lsn }) => lsn)).toEqual([3, 2, 14, 13])
})

test('one that is not kept is marked, stays for the grace, and goes; once the log was trimmed only with proof', {
  timeout: 120_000,
}, async () => {
  const runtime = new ManualRuntime()
  const { node, store, objects, places } = await filledStore({ runtime })
  const context = await backupContext(store, objects, places, { runtime })
  const first = await takeBackup(context)
  await node.submit(request([saveQuota('later')]), as('p'))
  const second = await takeBackup(context)
  const retention = { newest: 1, days: 0, weeks: 0, graceMs: HOUR }
  const ids = async () => (await listedBackups(places, store.storeId)).map(({ id }) => id)

  store.table.head = { trimmedTo: 1 }
  expect(await retainBackups(context, retention)).toEqual({ marked: [], deleted: [] })
  expect(context.logger.with('no backups are deleted')).toHaveLength(1)
  const lacking = async (remaining: readonly Backup[]) =>
    remaining.some(({ id }) => id === first.backupId) ? undefined : 'the first is needed'
  expect((await retainBackups({ ...context, lacking }, retention)).marked).toEqual([])
  store.table.head = { trimmedTo: 0 }

  expect(await retainBackups(context, retention)).toEqual({ marked: [first.backupId], deleted: [] })
  runtime.elapse({ wall: HOUR - 1_000, monotonic: HOUR - 1_000 })
  expect(await retainBackups(context, retention)).toEqual({ marked: [], deleted: [] })
  // Kept again: the mark goes.
  expect(await retainBackups(context, { ...retention, newest: 2 })).toEqual({ marked: [], deleted: [] })
  expect(await retainBackups(context, retention)).toEqual({ marked: [first.backupId], deleted: [] })
  runtime.elapse({ wall: DAY, monotonic: DAY })
  expect(await retainBackups(context, retention)).toEqual({ marked: [], deleted: [first.backupId] })
  expect(await ids()).toEqual([second.backupId])
})

test('once the log was trimmed, what a node does lets one go, because snapshots and archive restore everything', {
  timeout: 120_000,
}, async () => {
  const { node, store, objects, places } = await filledStore()
  const context = await backupContext(store, objects, places)
  const first = await takeBackup(context)
  await node.submit(request([saveQuota('later')]), as('p'))
  store.table.head = { trimmedTo: 1 }
  const retention = { newest: 1, days: 0, weeks: 0, graceMs: HOUR }
  expect((await backupJob(context, { retention, retentionMs: DAY })).made).toBe(true)
  const marked = (await listedBackups(places, store.storeId)).filter(({ deletion }) => deletion !== undefined)
  expect(marked.map(({ id }) => id)).toEqual([first.backupId])
})
