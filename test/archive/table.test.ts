import { afterAll, expect, test } from 'vitest'
import { archive } from '../../lib/archive/archive.ts'
import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { trim } from '../../lib/archive/trim.ts'
import { DAY_MS, TRIM_SETTINGS } from '../../lib/archive/trim-settings.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { appendAll, dynamoBed, entriesAfter, idsOf, openLog } from '../log/log-bed.ts'
import { Trimmer } from '../log/trimmer.ts'
import { startTable } from '../support/embedded-table.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { RecordingLogger } from '../support/snapshots.ts'
import { putSnapshot } from './archive-bed.ts'

const { endpoint } = await startTable(afterAll)

/** The same on a table that speaks DynamoDB. */
test('entries of a table are archived, emptied and freed, by two at once, and read on', async () => {
  const bed = await dynamoBed(endpoint)
  const { storeId, bodies: objects } = bed
  const runtime = new ManualRuntime()
  const logger = new RecordingLogger()
  const open = () => openLog(bed, { runtime, archive: new ArchivedLog({ objects, storeId, logger: silentLogger }) })
  const log = await open()
  const genesis = await log.genesis()
  const names = Array.from({ length: 30 }, (_, index) => `e-${index + 1}`)
  await appendAll(log, genesis, ...names)
  const context = async () => ({ log: await open(), objects, logger, trimmable: new Trimmer(endpoint, bed).log })
  await archive(await context())
  const reader = await open()
  await putSnapshot({ openLog: () => reader, objects, runtime, storeId } as never, 30)
  // The server's time cannot be moved on: so what is old is what is younger than this.
  const settings = { ...TRIM_SETTINGS, tableMs: -DAY_MS, tombstoneMs: -DAY_MS }
  const outcomes = await Promise.all([trim(await context(), { settings }), trim(await context(), { settings })])
  for (const { refused } of outcomes) expect(refused).toEqual([])
  const trimmer = new Trimmer(endpoint, bed)
  expect(await trimmer.trimmedTo()).toBe(29)
  for (const lsn of [0, 1, 15, 29]) expect(await trimmer.attributes(lsn)).toBeUndefined()
  expect(await trimmer.attributes(30)).toBeDefined()
  const last = await open()
  expect(await last.genesis()).toEqual(genesis)
  expect(idsOf(await entriesAfter(last, genesis))).toEqual(names)
  expect((await last.entry(7))!.transactions[0]!.id).toBe('e-7')
})
