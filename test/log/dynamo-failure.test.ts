import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { classifyFailure } from '../../lib/log/dynamo-failure.ts'
import { DynamoLog } from '../../lib/log/dynamo-log.ts'
import { encodeEntry } from '../../lib/log/entry-codec.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import { PROMPT } from '../../lib/log/request-limits.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { startTable } from '../support/embedded-table.ts'
import { type Fault, FaultProxy } from '../support/fault-proxy.ts'
import { dynamoBed, incompressible, transaction } from './log-bed.ts'

const { endpoint } = await startTable(afterAll)

const GENESIS = { lsn: 1, time: 1, prev: '00' }

function entry(storeId: string): LogItem {
  return encodeEntry({ ...GENESIS, transactions: [transaction('t')] }, { storeId, writer: 'w', attempt: 'a' }).item
}

/** An adapter of a fresh log that reaches the table by this way. */
async function adapter(url: string, { table = '', requestMs = PROMPT.requestMs } = {}) {
  const bed = await dynamoBed(endpoint)
  const { client, serverClock } = createDynamoClient({ endpoint: url, limits: { requestMs } }, systemRuntime)
  const events = new DynamoLog(client, { table: table || bed.table, storeId: bed.storeId, serverClock })
  onTestFinished(() => events.close())
  const put = (change: Partial<LogItem> = {}) => events.put({ ...entry(bed.storeId), ...change })
  const slot = async () => (await bed.adapter()).get(1)
  return { put, slot }
}

/** One behind a proxy that does this to every put. */
async function behind(fault: Fault, requestMs?: number) {
  const proxy = await FaultProxy.start(endpoint)
  proxy.use((operation) => (operation === 'PutItem' ? fault : undefined))
  return adapter(proxy.url, requestMs === undefined ? {} : { requestMs })
}

/** A port on which nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answer(status: number, type: string): Fault {
  return { kind: 'answer', status, body: { __type: `com.amazonaws.dynamodb.v20120810#${type}`, message: 'why' } }
}

describe('a put that was not answered', () => {
  test.each(['127.0.0.1', 'localhost'])('was not sent when %s refuses the connection', async (host) => {
    const { put } = await adapter(`http://${host}:${await freePort()}`)
    expect(await put()).toMatchObject({ kind: 'unsent', error: { code: 'ECONNREFUSED' } })
  })

  test('is unknown when its time was over, and may be written', async () => {
    const { put, slot } = await behind({ kind: 'delay-answer', ms: 60_000 }, 200)
    expect(await put()).toMatchObject({ kind: 'unknown', error: { name: 'TimeoutError' } })
    expect(await slot()).toMatchObject({ attempt: 'a' })
  })

  test('is unknown when the connection broke after it was carried out', async () => {
    const { put, slot } = await behind({ kind: 'lose-answer' })
    expect((await put()).kind).toBe('unknown')
    expect(await slot()).toMatchObject({ attempt: 'a' })
  })

  test('is unknown when the connection broke before, which looks the same', async () => {
    const { put, slot } = await behind({ kind: 'lose-request' })
    expect((await put()).kind).toBe('unknown')
    expect(await slot()).toBeUndefined()
  })

  test.each([
    ['EHOSTUNREACH', 'connect', 'unsent'],
    ['ENOTFOUND', 'getaddrinfo', 'unsent'],
    // The kernel reports these on connections that stood, long after the request was sent.
    ['EHOSTUNREACH', 'read', 'unknown'],
    ['ENETUNREACH', 'write', 'unknown'],
    ['ECONNRESET', 'read', 'unknown'],
    ['ETIMEDOUT', 'connect', 'unknown'],
  ])('after %s of %s is %s', (code, syscall, kind) => {
    const error = Object.assign(new Error(code), { code, syscall })
    expect(classifyFailure(error)).toEqual({ kind, error })
  })

  test('was not sent only if no address could be reached', () => {
    const refused = Object.assign(new Error(), { code: 'ECONNREFUSED', syscall: 'connect' })
    const broken = Object.assign(new Error(), { code: 'ECONNRESET', syscall: 'read' })
    expect(classifyFailure(new AggregateError([refused, refused])).kind).toBe('unsent')
    expect(classifyFailure(new AggregateError([refused, broken])).kind).toBe('unknown')
    expect(classifyFailure(new AggregateError([])).kind).toBe('unknown')
  })
})

describe('a put that was answered', () => {
  test.each([
    [500, 'InternalServerError'],
    [503, 'ServiceUnavailable'],
    [502, 'WhateverAProxySays'],
    // A server that is at a loss names a fault of the client.
    [500, 'ValidationException'],
    [400, 'ProvisionedThroughputExceededException'],
    [400, 'ThrottlingException'],
    [400, 'RequestLimitExceeded'],
    [400, 'TransactionConflictException'],
  ])('by %i %s is unknown', async (status, type) => {
    const { put } = await behind(answer(status, type))
    expect((await put()).kind).toBe('unknown')
  })

  test.each([
    [400, 'AccessDeniedException'],
    [400, 'UnrecognizedClientException'],
    [400, 'ExpiredTokenException'],
    [400, 'ValidationException'],
    [413, 'RequestEntityTooLarge'],
  ])('by %i %s was refused', async (status, type) => {
    const { put, slot } = await behind(answer(status, type))
    expect(await put()).toMatchObject({ kind: 'refused', error: { name: type, message: 'why' } })
    expect(await slot()).toBeUndefined()
  })

  test('was refused when its item is too large', async () => {
    const { put, slot } = await adapter(endpoint)
    const outcome = await put({ body: Buffer.from(incompressible(400_000)) })
    expect(outcome).toMatchObject({ kind: 'refused', error: { name: 'ValidationException', message: /size/ } })
    expect(await slot()).toBeUndefined()
  })

  test('was refused when there is no table', async () => {
    const { put } = await adapter(endpoint, { table: 'no-such-table' })
    expect(await put()).toMatchObject({ kind: 'refused', error: { name: 'ResourceNotFoundException' } })
  })

  test('is unknown when the slot is taken and what is there cannot be read', async () => {
    const proxy = await FaultProxy.start(endpoint)
    const body = { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException' }
    proxy.use((operation) => ({
      kind: 'answer',
      ...(operation === 'PutItem' ? { status: 400, body } : { status: 500 }),
    }))
    const { put } = await adapter(proxy.url)
    expect((await put()).kind).toBe('unknown')
    proxy.use((operation) => (operation === 'PutItem' ? { kind: 'answer', status: 400, body } : undefined))
    expect(await put()).toMatchObject({ kind: 'unknown', error: { message: 'slot 1 was taken and is empty' } })
  })

  test('was refused when there are no credentials to sign it with', async () => {
    const credentials = async () => {
      throw Object.assign(new Error('no credentials anywhere'), { name: 'CredentialsProviderError' })
    }
    const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })
    const serverClock = { now: () => 0, skewMs: undefined }
    const events = new DynamoLog(client, { table: 'log', storeId: 'S', serverClock })
    onTestFinished(() => events.close())
    const outcome = await events.put(entry('S'))
    expect(outcome).toMatchObject({ kind: 'refused', error: { message: 'no credentials anywhere' } })
  })
})
