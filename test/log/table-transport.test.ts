import { Worker } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { classifyFailure } from '../../lib/log/dynamo-failure.ts'
import { getItem, putIfAbsent, type TableContext } from '../../lib/log/dynamo-items.ts'
import { ensureTable } from '../../lib/log/dynamo-store.ts'
import { EmbeddedTable } from '../../lib/log/embedded-table.ts'
import type { PutOutcome } from '../../lib/log/event-log.ts'
import { PROMPT } from '../../lib/log/request-limits.ts'
import { TableTransport } from '../../lib/log/table-transport.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** A table, and a client of this process. */
async function openTable(): Promise<{ table: EmbeddedTable; context: TableContext }> {
  const table = await EmbeddedTable.open({ path: await temporaryFolder(), sync: false })
  onTestFinished(() => table.close())
  const { endpoint, transport } = table
  const { client, serverClock } = createDynamoClient({ endpoint, transport }, systemRuntime)
  const context = { client, serverClock, table: 'boreal', runtime: systemRuntime }
  await ensureTable(context)
  return { table, context }
}

const ITEM = { pk: { S: 'a' }, sk: { N: '0' }, text: { S: 'ä ∞ 🌲' }, bytes: { B: Uint8Array.of(0, 255, 10) } }

test('what was put in messages is read over HTTP', async () => {
  const { table, context } = await openTable()
  expect(await putIfAbsent(context, ITEM)).toBe(true)
  expect(await putIfAbsent(context, ITEM)).toBe(false)
  const { client } = createDynamoClient({ endpoint: table.endpoint }, systemRuntime)
  onTestFinished(() => client.destroy())
  expect(await getItem({ ...context, client }, 'a')).toEqual(ITEM)
})

test('learns the time of the table from its answers', async () => {
  const { context } = await openTable()
  const { serverClock } = context
  expect(serverClock).toMatchObject({ skewMs: expect.any(Number) })
})

/** What becomes of a put that goes to a thread of this kind. */
async function outcomeWith(thread: string, requestMs = PROMPT.requestMs): Promise<PutOutcome> {
  const worker = new Worker(`require('node:worker_threads').parentPort.on('message', ${thread})`, { eval: true })
  onTestFinished(async () => void (await worker.terminate()))
  const transport = new TableTransport(worker, { ...PROMPT, requestMs })
  const { client, serverClock } = createDynamoClient({ endpoint: 'http://127.0.0.1:1', transport }, systemRuntime)
  const context = { client, serverClock, table: 'boreal', runtime: systemRuntime }
  return putIfAbsent(context, ITEM).then(unexpected, classifyFailure)
}

function unexpected(): never {
  throw new Error('it was carried out')
}

test('what was on its way when the table ended may have been carried out', async () => {
  expect(await outcomeWith('() => process.exit(0)')).toMatchObject({ kind: 'unknown' })
})

test('what is not answered in time may have been carried out', async () => {
  expect(await outcomeWith('() => undefined', 20)).toMatchObject({ kind: 'unknown' })
})

test('what comes after the end of the table was not sent', async () => {
  const { table, context } = await openTable()
  await table.close()
  expect(await putIfAbsent(context, ITEM).then(unexpected, classifyFailure)).toMatchObject({ kind: 'unsent' })
})
