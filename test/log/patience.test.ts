import { expect, test } from 'vitest'
import { PATIENT, PROMPT } from '../../lib/log/request-limits.ts'
import { openDynamoLog, startTable } from '../support/embedded-table.ts'
import { FaultProxy } from '../support/fault-proxy.ts'

/** A job gets what others leave of the processors: what it asks for is there long before it can look. */

test('who is patient waits for an answer that takes seconds, and who serves does not', async () => {
  const proxy = await FaultProxy.start((await startTable()).endpoint)
  const [patient, serving] = await Promise.all(
    [PATIENT, PROMPT].map((limits, i) => openDynamoLog(proxy.url, { limits, table: `table-${i}` })),
  )
  proxy.use((operation) => {
    if (operation === 'GetItem') return { kind: 'delay-answer', ms: 1_500 }
    return operation === 'Query' ? { kind: 'delay-answer', ms: 6_000 } : undefined
  })
  const waits = Promise.all([patient!.events.get(1), patient!.events.read(0)])
  await expect(serving!.events.get(1)).rejects.toThrow(/1000 ms/)
  await expect(serving!.events.read(0)).rejects.toThrow(/5000 ms/)
  expect(await waits).toEqual([undefined, []])
})
