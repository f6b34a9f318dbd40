import { expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveQuota } from '../support/requests.ts'

test('whoever loses the race for a place takes the entry that won, without asking the log', async () => {
  const { node: one, table, storeId } = await memoryNode({ pollMs: 3_600_000 })
  const { node: other, events } = await memoryNode({ table, storeId, pollMs: 3_600_000 })
  let reads = 0
  events.onRead = () => void reads++
  for (let round = 1; round <= 5; round++) {
    await one.submit(request([saveQuota('r', round)]), as('p'))
    const { lsn } = await other.submit(request([saveQuota('s', round)]), as('p'))
    expect(lsn).toBe(2 * round)
    await one.confirm()
  }
  expect(reads).toBe(0)
  expect((await other.status()).conflicts).toBe(5)
  expect((await other.digest()).digest).toBe((await one.digest()).digest)
})

test('whoever has missed much reads the log instead of losing a race for each entry', async () => {
  const { node: one, table, storeId } = await memoryNode({ pollMs: 3_600_000 })
  const { node: other, events } = await memoryNode({ table, storeId, pollMs: 3_600_000 })
  for (let index = 0; index < 100; index++) await one.submit(request([saveQuota('r', index)]), as('p'))
  const { lsn } = await other.submit(request([saveQuota('s')]), as('p'))
  expect(lsn).toBe(101)
  expect(events.puts).toBeLessThanOrEqual(9)
})
