import { randomUUID } from 'node:crypto'
import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { DynamoLog } from '../../lib/log/dynamo-log.ts'
import { ensureTable, openStore } from '../../lib/log/dynamo-store.ts'
import { Log } from '../../lib/log/log.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { startTable } from '../support/embedded-table.ts'
import { FaultProxy } from '../support/fault-proxy.ts'

const { endpoint } = await startTable(afterAll)

/** What a node that starts has at hand. */
function node(table: string, url = endpoint) {
  const { client, serverClock } = createDynamoClient({ endpoint: url }, systemRuntime)
  onTestFinished(() => client.destroy())
  return { client, table, runtime: systemRuntime, serverClock }
}

async function items(table: string) {
  const { Items = [] } = await node(table).client.send(new ScanCommand({ TableName: table }))
  return Items
}

/** An open log proves that its genesis entry is there and right. */
async function genesisOf(table: string, storeId: string) {
  const { client, serverClock, runtime } = node(table)
  const events = new DynamoLog(client, { table, storeId, serverClock })
  const bodies = { put: async () => undefined, get: async () => new Uint8Array() }
  const genesis = await new Log(events, { storeId, bodies, runtime, logger: silentLogger }).genesis()
  return { genesis, head: await events.head() }
}

describe('a store in a table', () => {
  test('is one and the same for ten nodes that start on an empty table', async () => {
    const table = `store-${randomUUID()}`
    const starts = Array.from({ length: 10 }, async () => {
      const context = node(table)
      await ensureTable(context)
      return openStore(context, 'main')
    })
    const registrations = await Promise.all(starts)
    expect(new Set(registrations.map(({ storeId }) => storeId)).size).toBe(1)
    const { storeId, createdMs } = registrations[0]!
    expect(registrations.every((each) => each.createdMs === createdMs)).toBe(true)
    expect(await items(table)).toHaveLength(3)
    const { genesis, head } = await genesisOf(table, storeId)
    expect(genesis).toMatchObject({ lsn: 0, time: createdMs })
    expect(head).toEqual({ trimmedTo: 0 })
  })

  test('is another for another name', async () => {
    const table = `store-${randomUUID()}`
    const context = node(table)
    await ensureTable(context)
    const [main, other] = [await openStore(context, 'main'), await openStore(context, 'other')]
    expect(main.storeId).not.toBe(other.storeId)
    expect(await openStore(context, 'main')).toEqual(main)
  })

  test.each([
    [1, 'before its registry item'],
    [2, 'between registry and genesis'],
    [3, 'between genesis and head'],
  ])('is completed by the next node when one died at its put %i, %s', async (put) => {
    const table = `store-${randomUUID()}`
    await ensureTable(node(table))
    const proxy = await FaultProxy.start(endpoint)
    let puts = 0
    proxy.use((operation) => (operation === 'PutItem' && ++puts >= put ? { kind: 'lose-request' } : undefined))
    await expect(openStore(node(table, proxy.url), 'main')).rejects.toThrow()
    const left = await items(table)
    expect(left).toHaveLength(put - 1)

    const { storeId, createdMs } = await openStore(node(table), 'main')
    expect(await items(table)).toHaveLength(3)
    if (put > 1) expect(left.some((item) => item.store?.S === storeId)).toBe(true)
    expect((await genesisOf(table, storeId)).genesis.time).toBe(createdMs)
  })

  test('keeps what is there when it is opened again', async () => {
    const table = `store-${randomUUID()}`
    const context = node(table)
    await ensureTable(context)
    const { storeId } = await openStore(context, 'main')
    const head = { pk: { S: `${storeId}#head` }, sk: { N: '0' }, trimmedTo: { N: '17' } }
    await context.client.send(new PutItemCommand({ TableName: table, Item: head }))
    const before = await items(table)
    await ensureTable(context)
    expect((await openStore(context, 'main')).storeId).toBe(storeId)
    expect(await items(table)).toEqual(before)
    expect((await genesisOf(table, storeId)).head).toEqual({ trimmedTo: 17 })
  })

  test('takes the time of its creation from the server', async () => {
    const table = `store-${randomUUID()}`
    await ensureTable(node(table))
    const runtime = { ...systemRuntime, now: () => Date.now() + 24 * 60 * 60 * 1_000 }
    const { client, serverClock } = createDynamoClient({ endpoint }, runtime)
    onTestFinished(() => client.destroy())
    const { createdMs } = await openStore({ client, table, runtime, serverClock }, 'main')
    expect(Math.abs(createdMs - Date.now())).toBeLessThan(5_000)
  })

  test('says what to do when there is no table', async () => {
    await expect(openStore(node('no-such-table'), 'main')).rejects.toMatchObject({
      code: 'log_unavailable',
      message: 'there is no table "no-such-table": deploy the stack, or start with --create-table',
    })
  })
})
