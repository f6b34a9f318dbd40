import { expect, test } from 'vitest'
import { openDynamoLog, startTable } from '../support/embedded-table.ts'
import { FaultProxy } from '../support/fault-proxy.ts'

/** Whoever was frozen holds connections that the server has closed since, and learns it by using them. */

test('a read whose connection is lost is asked again, once', async () => {
  const proxy = await FaultProxy.start((await startTable()).endpoint)
  const { events } = await openDynamoLog(proxy.url)
  const reads = () => proxy.seen.filter((operation) => operation === 'GetItem').length
  let losses = 1
  proxy.use((operation) => (operation === 'GetItem' && losses-- > 0 ? { kind: 'lose-request' } : undefined))
  const before = reads()
  expect(await events.get(1)).toBeUndefined()
  expect(reads() - before).toBe(2)
  losses = 2
  await expect(events.get(1)).rejects.toThrow()
})
