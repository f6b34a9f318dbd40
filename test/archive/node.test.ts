import { expect, test, vi } from 'vitest'
import { TRIM_SETTINGS } from '../../lib/archive/trim-settings.ts'
import { transactionRequest } from '../../lib/model/transaction.ts'
import { nodeConfig } from '../../lib/node/config.ts'
import { assertNothingLost } from '../../lib/node/lost-store.ts'
import { memoryNode } from '../support/memory-node.ts'
import { task } from '../support/records.ts'
import { archiveBed } from './archive-bed.ts'

/** What a node does by itself. */

const save = (id: string) => transactionRequest.parse({ operations: [{ op: 'saveTasks', tasks: [task(id)] }] })

test('it archives what is new, and looks from time to time what can be trimmed', async () => {
  let trims = 0
  const { node } = await memoryNode({
    archive: { intervalMs: 20, trimIntervalMs: 20 },
    trimmable: () => {
      trims++
      throw new Error('no table')
    },
  })
  const archived = (lsn: number) =>
    vi.waitFor(async () => expect((await node.archive.status()).to).toBe(lsn), { timeout: 20_000 })
  await archived(0)
  await node.submit(save('t-1'), { principal: 'p' })
  await node.submit(save('t-2'), { principal: 'p' })
  await archived(2)
  await vi.waitFor(() => expect(trims).toBeGreaterThan(1), { timeout: 20_000 })
  // A round that fails does not end them.
  await node.submit(save('t-3'), { principal: 'p' })
  await archived(3)
})

test('settings: on a table of your own functions do it; places stay for a week or for ever', () => {
  const embedded = nodeConfig({}, {}).archive
  expect(embedded).toEqual({ intervalMs: 30_000, trimIntervalMs: 3_600_000, trim: TRIM_SETTINGS })
  const table = { table: 't', bucket: 'b' }
  expect(nodeConfig(table, {}).archive).toMatchObject({ intervalMs: 0, trimIntervalMs: 0 })
  expect(nodeConfig(table, { BOREAL_TRIM_MINUTES: '5' }).archive).toMatchObject({
    intervalMs: 0,
    trimIntervalMs: 300_000,
  })
  expect(nodeConfig({ settings: { tombstoneDays: '0' } }, {}).archive.trim.tombstoneMs).toBe(Number.POSITIVE_INFINITY)
  for (const settings of [{ tombstoneDays: '6' }, { tableHours: '23' }, { restoreDays: '0' }]) {
    expect(() => nodeConfig({ settings }, {})).toThrow(expect.objectContaining({ code: 'invalid_field' }))
  }
})

test('a store whose archive is there and whose table is gone is not begun anew', async () => {
  const bed = await archiveBed()
  const refusal = { code: 'not_ready', message: new RegExp(`${bed.storeId}, or its archive, up to LSN 2`) }
  const begin = () => assertNothingLost(bed.objects, 'main', async () => false)
  await bed.archive()
  // Only the genesis entry: nothing is lost.
  await begin()
  await bed.append(2)
  await bed.archive()
  await expect(begin()).rejects.toMatchObject(refusal)
  await assertNothingLost(bed.objects, 'main', async () => true)
})
