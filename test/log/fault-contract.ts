import { describe, expect, test, vi } from 'vitest'
import { createDynamoClient } from '../../lib/log/dynamo-client.ts'
import { DynamoLog } from '../../lib/log/dynamo-log.ts'
import { PROMPT } from '../../lib/log/request-limits.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { openDynamoLog } from '../support/embedded-table.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { appendAll, dynamoBed, entriesAfter, idsOf, openLog, transaction } from './log-bed.ts'
import { describeStoppedProcess } from './stopped-process-contract.ts'

const DAY_MS = 24 * 60 * 60 * 1_000

/** A server's `Date` header is cut to the second. */
const HEADER_MS = 1_500

const count = (operations: string[], operation: string) => operations.filter((each) => each === operation).length

/** What the DynamoDB adapter must keep on a network that loses, delays and repeats. */
export function describeFaults(name: string, endpoint: string): void {
  describe(name, () => {
    /** A log behind a proxy, and another log that reaches the table directly. */
    async function start(requestMs = PROMPT.requestMs) {
      const bed = await dynamoBed(endpoint)
      // What passes the first proxy late is answered through the second, which tells when.
      const behind = await FaultProxy.start(endpoint)
      const proxy = await FaultProxy.start(behind.url)
      const { events } = await openDynamoLog(proxy.url, { table: bed.table, limits: { requestMs } })
      const log = await openLog(bed, { events })
      const genesis = await log.genesis()
      for (const each of [proxy, behind]) for (const list of [each.seen, each.answered]) list.length = 0
      const append = async (id: string) => {
        const encoded = log.encode(genesis, log.nextTime(genesis), [transaction(id)])
        return { item: encoded.item, pending: await log.append(encoded) }
      }
      const other = await openLog(bed)
      return { proxy, behind, log, other, genesis, append, ids: async () => idsOf(await entriesAfter(other, genesis)) }
    }

    test('has an append in the log once when its answer was lost', async () => {
      const { proxy, append, ids } = await start()
      proxy.once('PutItem', { kind: 'lose-answer' })
      const { pending } = await append('a')
      expect(await pending.settled).toEqual({ kind: 'durable' })
      expect(count(proxy.answered, 'PutItem')).toBe(2)
      expect(await ids()).toEqual(['a'])
    })

    test('has an append in the log once when its answer came too late', async () => {
      const { proxy, append, ids } = await start(150)
      proxy.once('PutItem', { kind: 'delay-answer', ms: 60_000 })
      const { pending } = await append('a')
      expect(await pending.settled).toEqual({ kind: 'durable' })
      expect(await ids()).toEqual(['a'])
    })

    test('sends again what was lost', async () => {
      const { proxy, behind, append, ids } = await start()
      proxy.once('PutItem', { kind: 'lose-request' })
      const { pending } = await append('a')
      expect(await pending.settled).toEqual({ kind: 'durable' })
      expect([count(proxy.seen, 'PutItem'), count(behind.seen, 'PutItem')]).toEqual([2, 1])
      expect(await ids()).toEqual(['a'])
    })

    test('has an append in the log once when a lost request arrives after its repetition', async () => {
      const { proxy, behind, append, ids } = await start()
      proxy.once('PutItem', { kind: 'deliver-late', afterMs: 200 })
      const { pending } = await append('a')
      expect(await pending.settled).toEqual({ kind: 'durable' })
      await vi.waitFor(() => expect(count(behind.answered, 'PutItem')).toBe(2), { timeout: 5_000 })
      expect(await ids()).toEqual(['a'])
    })

    test('tells a writer without an answer that another took the slot, and keeps the late request out', async () => {
      const { proxy, behind, other, genesis, append, ids } = await start()
      proxy.use((operation) => (operation === 'PutItem' ? { kind: 'deliver-late', afterMs: 300 } : undefined))
      const { pending } = await append('ours')
      await vi.waitFor(() => expect(pending.inDoubt).toBe(true))
      await appendAll(other, genesis, 'theirs')
      proxy.pass()
      expect(await pending.settled).toMatchObject({ kind: 'lost', item: { writer: other.writer } })
      const sent = count(proxy.seen, 'PutItem')
      await vi.waitFor(() => expect(count(behind.answered, 'PutItem')).toBe(sent), { timeout: 5_000 })
      expect(await ids()).toEqual(['theirs'])
    })

    test('ends a doubt by a no-op that keeps the late request out', async () => {
      const { proxy, behind, log, append, ids } = await start()
      proxy.use((operation) => (operation === 'PutItem' ? { kind: 'deliver-late', afterMs: 500 } : undefined))
      const { item, pending } = await append('a')
      await vi.waitFor(() => expect(pending.inDoubt).toBe(true))
      const noop = log.noop(item)
      proxy.pass()
      pending.endDoubt(noop)
      const settled = await pending.settled
      const sent = count(proxy.seen, 'PutItem')
      await vi.waitFor(() => expect(count(behind.answered, 'PutItem')).toBe(sent), { timeout: 5_000 })
      // The repetition that was already on its way may have been faster than the no-op: then that is the answer.
      if (settled.kind === 'durable') expect(await ids()).toEqual(['a'])
      else expect([settled, await ids()]).toMatchObject([{ kind: 'lost', item: { attempt: noop.attempt } }, []])
      expect((await log.probe(0))!.attempt).toBe(settled.kind === 'durable' ? item.attempt : noop.attempt)
    })

    test.each([
      ['an internal error', 500, 'InternalServerError'],
      ['no service', 503, 'ServiceUnavailable'],
      ['a throttle', 400, 'ProvisionedThroughputExceededException'],
    ])('repeats the same attempt after %s', async (_, status, type) => {
      const { proxy, append, log } = await start()
      proxy.once('PutItem', { kind: 'answer', status, body: { __type: `com.amazonaws#${type}` } })
      const { item, pending } = await append('a')
      expect(await pending.settled).toEqual({ kind: 'durable' })
      expect(count(proxy.seen, 'PutItem')).toBe(2)
      expect((await log.probe(0))!.attempt).toBe(item.attempt)
    })

    test('fails an append that the server refuses, and says why', async () => {
      const { proxy, append, ids } = await start()
      const body = { __type: 'com.amazonaws#AccessDeniedException', message: 'not for you' }
      proxy.once('PutItem', { kind: 'answer', status: 400, body })
      const { pending } = await append('a')
      expect(await pending.settled).toMatchObject({ kind: 'failed', error: { message: 'not for you' } })
      expect(await ids()).toEqual([])
    })

    test('never repeats a request by itself', async () => {
      const { proxy, log } = await start()
      proxy.use(() => ({ kind: 'answer', status: 500 }))
      await expect(log.probe(0)).rejects.toMatchObject({ code: 'log_unavailable', retryAfter: 1 })
      const item = log.encode({ lsn: 0, hash: '', time: 0 }, 0, []).item
      expect(await log.events.put(item)).toMatchObject({ kind: 'unknown' })
      expect(proxy.seen).toEqual(['GetItem', 'PutItem'])
    })

    test('reads strongly, whatever it reads', async () => {
      const { proxy, log } = await start()
      const reads: { ConsistentRead?: boolean }[] = []
      proxy.use((operation, body) => {
        if (operation !== 'PutItem') reads.push(JSON.parse(body))
        return undefined
      })
      await log.events.get(0)
      await log.events.read(0)
      await log.events.head()
      // Genesis is read after the put that it makes fail, where the server does not give it back with the failure.
      const { item } = log.encode({ lsn: -1, hash: '', time: 0 }, 0, [])
      expect(await log.events.put(item)).toMatchObject({ kind: 'taken', item: { attempt: log.storeId } })
      expect(reads.length).toBeGreaterThanOrEqual(3)
      expect(reads.every((read) => read.ConsistentRead)).toBe(true)
    })

    test.each([
      ['ahead', DAY_MS],
      ['behind', -DAY_MS],
    ])('gives entries the time of the server when the local clock is a day %s', async (_, skew) => {
      const bed = await dynamoBed(endpoint)
      const runtime = { ...systemRuntime, now: () => Date.now() + skew }
      const { events } = await openDynamoLog(endpoint, { table: bed.table, runtime })
      const log = await openLog(bed, { events, runtime })
      const genesis = await log.genesis()
      await appendAll(log, genesis, 'a')
      const [entry] = await entriesAfter(log, genesis)
      expect(Math.abs(entry!.time - Date.now())).toBeLessThan(5_000)
      expect(Math.abs(log.clockSkewMs! - skew)).toBeLessThan(HEADER_MS)
    })

    test('learns the time of the server from refusals too', async () => {
      const { table, storeId } = await dynamoBed(endpoint)
      const runtime = { ...systemRuntime, now: () => Date.now() + DAY_MS }
      const { client, serverClock } = createDynamoClient({ endpoint }, runtime)
      const events = new DynamoLog(client, { table: `${table}-that-is-not-there`, storeId, serverClock })
      expect(serverClock.skewMs).toBeUndefined()
      await expect(events.get(0)).rejects.toThrow()
      expect(Math.abs(serverClock.now() - Date.now())).toBeLessThan(HEADER_MS)
      events.close()
    })

    describeStoppedProcess(endpoint)
  })
}
