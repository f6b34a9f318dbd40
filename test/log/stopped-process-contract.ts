import { describe, expect, test, vi } from 'vitest'
import { ChildScript } from '../support/child-script.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { appendAll, dynamoBed, entriesAfter, idsOf, openLog } from './log-bed.ts'

export interface AppendInput {
  endpoint: string
  table: string
  storeId: string
  requestMs: number
}

export interface AppendOutput {
  kind: string
  attempt: string
}

/** Shorter than what the proxy holds things up: a request that outlasts it has been given up by the child. */
const REQUEST_MS = 400
const HELD_MS = 800

/** A process that stands still between sending an append and hearing of it. */
export function describeStoppedProcess(endpoint: string): void {
  describe('a process stopped while it appends', () => {
    async function start(requestMs = REQUEST_MS) {
      const bed = await dynamoBed(endpoint)
      const log = await openLog(bed)
      // The answer to the child is held by the first proxy; the second one sees when it has been given.
      const holding = await FaultProxy.start(endpoint)
      const giving = await FaultProxy.start(holding.url)
      const input: AppendInput = { ...bed, endpoint: giving.url, requestMs }
      const child = () => ChildScript.start('./append-child.ts', import.meta.url, input)
      return { log, genesis: await log.genesis(), holding, giving, child }
    }

    const seen = (operations: () => string[], operation: string) =>
      vi.waitFor(() => expect(operations()).toContain(operation), { timeout: 10_000, interval: 5 })

    const outputOf = async (child: ChildScript) => JSON.parse(await child.output) as AppendOutput

    test('learns that its entry is in the log, although the answer came while it stood', async () => {
      const { log, genesis, holding, giving, child: startChild } = await start()
      holding.once('PutItem', { kind: 'delay-answer', ms: HELD_MS })
      const child = await startChild()
      await seen(() => holding.answered, 'PutItem')
      child.stop()
      const item = (await log.events.get(1))!
      await appendAll(log, item, 'after the child')
      await seen(() => giving.answered, 'PutItem')
      child.continue()
      expect(await outputOf(child)).toEqual({ kind: 'durable', attempt: item.attempt })
      expect(idsOf(await entriesAfter(log, genesis))).toEqual(['from the child', 'after the child'])
    })

    test('learns that another has the slot, when its request arrived too late', async () => {
      const { log, genesis, holding, giving, child: startChild } = await start()
      holding.once('PutItem', { kind: 'delay', ms: HELD_MS })
      const child = await startChild()
      await seen(() => holding.seen, 'PutItem')
      child.stop()
      await appendAll(log, genesis, 'instead of the child', 'and after')
      await seen(() => giving.answered, 'PutItem')
      child.continue()
      expect(await outputOf(child)).toMatchObject({ kind: 'lost' })
      expect(idsOf(await entriesAfter(log, genesis))).toEqual(['instead of the child', 'and after'])
    })

    test('loses its slot when it stood before it sent anything', async () => {
      const { log, genesis, holding, giving, child: startChild } = await start(10_000)
      holding.once('GetItem', { kind: 'delay-answer', ms: HELD_MS })
      const child = await startChild()
      await seen(() => holding.answered, 'GetItem')
      child.stop()
      await appendAll(log, genesis, 'instead of the child')
      await seen(() => giving.answered, 'GetItem')
      child.continue()
      expect(await outputOf(child)).toMatchObject({ kind: 'lost' })
      expect(idsOf(await entriesAfter(log, genesis))).toEqual(['instead of the child'])
    })
  })
}
