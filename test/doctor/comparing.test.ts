import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { diffLogs } from '../../lib/doctor/diff-logs.ts'
import { diffSnapshots } from '../../lib/doctor/diff-snapshots.ts'
import { openExport } from '../../lib/doctor/export-file.ts'
import { readingLog } from '../../lib/doctor/reading-log.ts'
import { digestAndQuery } from '../../lib/doctor/replay-until.ts'
import { markOf } from '../../lib/log/chain.ts'
import { type LogAttributes, toAttributes } from '../../lib/log/dynamo-item.ts'
import { importSlot } from '../../lib/log/export-format.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { transaction } from '../log/log-bed.ts'
import { testImage } from '../support/image.ts'
import { task } from '../support/records.ts'
import { type Cleanup, temporaryFolder } from '../support/temporary.ts'
import { DoctorBed, openedExport, QUIET, submitTask } from './doctor-bed.ts'

/** Logs that are written down, compared and replayed; snapshots that are compared. */

const cleanups: (() => Promise<void>)[] = []
const cleanup: Cleanup = (work) => cleanups.unshift(work)
let bed: DoctorBed
/** The digest of the node at each LSN. */
const digests = new Map<number, string>()
let file: string
let snapshots: string[]

beforeAll(async () => {
  bed = await DoctorBed.open(cleanup)
  const first = await bed.node()
  for (const id of ['t-1', 't-2', 't-3']) {
    const lsn = await submitTask(first, id)
    digests.set(lsn, (await first.digest()).digest)
  }
  await first.close()
  await bed.saveLarge()
  snapshots = [await bed.snapshot()]
  const node = await bed.node()
  digests.set(4, (await node.digest()).digest)
  const parse = (op: object) => transactionRequest.parse({ operations: [op] })
  // One entry: what is submitted together is decided together.
  await Promise.all(
    [
      { op: 'saveTasks', tasks: [task('t-4')] },
      { op: 'removeTasks', taskIds: ['t-1'] },
      { op: 'saveTasks', tasks: [task('t-2', { status: 'RUNNING' })] },
    ].map((op) => node.submit(parse(op), { principal: 'p' })),
  )
  digests.set(node.tailLsn, (await node.digest()).digest)
  await node.close()
  snapshots.push(await bed.snapshot())
  file = join(await temporaryFolder(cleanup), 'log.ndjson')
  await writeFile(file, await bed.exported())
}, 120_000)

afterAll(async () => {
  for (const work of cleanups) await work()
})

async function replayed(lsn: number, options: { index?: number; sql?: string; table?: boolean } = {}) {
  const source = options.table ? await bed.source() : await openExport(file)
  try {
    const log = readingLog(source, QUIET)
    const at = { lsn, ...(options.index === undefined ? {} : { index: options.index }) }
    return await digestAndQuery(
      { ...at, log, base: await testImage(), logger: QUIET.logger, objects: source.objects },
      options.sql,
    )
  } finally {
    await source.close()
  }
}

/** Bytes as text, whichever class they are of. */
const plain = (attributes: LogAttributes) =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { B, ...rest }]) => [name, B ? Buffer.from(B).toString('hex') : rest]),
  )

test('an export has every byte of every entry and body', async () => {
  const lines = (await bed.exported()).trimEnd().split('\n').slice(1, -1)
  for (const line of lines) {
    const { item, body } = importSlot(JSON.parse(line))
    expect(plain(toAttributes(item))).toEqual(plain((await bed.attributes(item.lsn))!))
    if (item.bodyKey !== undefined) expect(Buffer.from(body!).equals(await bed.objects.get(item.bodyKey))).toBe(true)
  }
  expect(lines.length).toBe(1 + Math.max(...digests.keys()))
})

test('two logs that part are told apart at the first entry that differs', async () => {
  const same = await diffLogs(await bed.source(), await openedExport(file))
  expect(same).toEqual({
    ...{ storeIds: [bed.storeId, bed.storeId], same: 1 + Math.max(...digests.keys()), different: 0 },
    ...{ onlyA: { count: 0 }, onlyB: { count: 0 } },
  })
  const log = await bed.log()
  const [before, there] = [(await log.entry(4))!, (await bed.attributes(5))!]
  const other = log.encode(markOf(before), before.time, [transaction('other')])
  await bed.put(toAttributes(other.item))
  await bed.remove(6)
  const found = await diffLogs(await openedExport(file), await bed.source())
  await bed.put(there)
  expect(found).toMatchObject({ same: 5, different: 1, onlyB: { count: 0 } })
  expect(found.first!.lsn).toBe(5)
  expect(found.first!.fields).toContain('hash')
  expect(found.first!.b!.transactions).toEqual([{ id: 'other', actor: 'ann', events: ['quotaRemoved'] }])
})

test('a replay of the log alone gives the state of every LSN, from a table and from an export', {
  timeout: 120_000,
}, async () => {
  for (const [lsn, digest] of digests) {
    expect((await replayed(lsn)).digest, `LSN ${lsn}`).toBe(digest)
  }
  const end = Math.max(...digests.keys())
  expect((await replayed(end, { table: true })).digest).toBe(digests.get(end))
  await expect(replayed(end + 1)).rejects.toMatchObject({ code: 'lsn_not_reached' })
})

test('a replay stops between the transactions of an entry, and is asked', { timeout: 120_000 }, async () => {
  const end = Math.max(...digests.keys())
  expect(end).toBe(5)
  const sql = 'select task_id, status from task order by task_id'
  const rows = async (index: number) => (await replayed(end, { index, sql })).answer!.rows.map((row) => row.join(' '))
  expect(await rows(0)).toEqual(['t-1 PENDING', 't-2 PENDING', 't-3 PENDING', 't-4 PENDING'])
  expect(await rows(1)).toEqual(['t-2 PENDING', 't-3 PENDING', 't-4 PENDING'])
  expect(await rows(2)).toEqual(['t-2 RUNNING', 't-3 PENDING', 't-4 PENDING'])
  expect((await replayed(end, { index: 2 })).digest).toBe(digests.get(end))
  await expect(replayed(end, { index: 3 })).rejects.toMatchObject({ code: 'invalid_field', message: /0 to 2, not 3/ })
  await expect(replayed(end, { sql: 'delete from task' })).rejects.toMatchObject({ code: 'query_failed' })
})

test('two snapshots are compared by table and key', { timeout: 120_000 }, async () => {
  const [a, b] = snapshots as [string, string]
  const source = await bed.source()
  const found = await diffSnapshots(source, await testImage(), a, b)
  const changed = Object.fromEntries(
    found.map(({ table, added, removed, changed }) => [table, [added, removed, changed]]),
  )
  expect(changed).toMatchObject({ task: [1, 1, 1], quota: [0, 0, 0], 'boreal.entity_change': [0, 0, 1] })
  expect(found.find(({ table }) => table === 'task')).toMatchObject({
    ...{ rowsA: 3, rowsB: 3 },
    keys: { added: ['t-4'], removed: ['t-1'], changed: ['t-2'] },
  })
  const none = await diffSnapshots(source, await testImage(), a, a)
  expect(none.filter(({ added, removed, changed }) => added + removed + changed > 0)).toEqual([])
  await expect(diffSnapshots(source, await testImage(), a, 'x')).rejects.toMatchObject({ code: 'not_found' })
  await source.close()
})
