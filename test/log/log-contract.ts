import { describe, expect, test } from 'vitest'
import { type LogMark, markOf } from '../../lib/log/chain.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import { bodyKey } from '../../lib/log/keys.ts'
import { ScriptedLog, unknown } from '../support/scripted-log.ts'
import { describeDamage } from './damage-contract.ts'
import { appendAll, entriesAfter, idsOf, incompressible, type LogBed, openLog, transaction } from './log-bed.ts'

/** Last slot of the first bucket. */
const LAST = 65_535

/** What every adapter must keep. `open` gives a fresh log, to which several adapters can be opened. */
export function describeLogContract(name: string, open: () => Promise<LogBed>): void {
  describe(name, () => {
    test('gives back what was appended', async () => {
      const bed = await open()
      const log = await openLog(bed)
      const genesis = await log.genesis()
      await appendAll(log, genesis, 'a', 'b', 'c')
      const reader = await openLog(bed)
      const entries = await entriesAfter(reader, genesis)
      expect(entries.map(({ lsn }) => lsn)).toEqual([1, 2, 3])
      expect(entries.map(({ transactions }) => transactions)).toEqual(['a', 'b', 'c'].map((id) => [transaction(id)]))
      expect(entries.every(({ writer }) => writer === log.writer)).toBe(true)
      expect(await reader.entry(2)).toEqual(entries[1])
      expect(await reader.page(1, 1)).toEqual([entries[1]])
      expect(await reader.entry(4)).toBeUndefined()
    })

    test('gives one of 50 writers the slot, and tells the others who has it', async () => {
      const bed = await open()
      const logs = await Promise.all(Array.from({ length: 50 }, () => openLog(bed)))
      const genesis = await logs[0]!.genesis()
      const appends = logs.map(async (log, index) => {
        const { item, body } = log.encode(genesis, log.nextTime(genesis), [transaction(`t-${index}`)])
        return { item, settled: await (await log.append({ item, body })).settled }
      })
      const outcomes = await Promise.all(appends)
      const winners = outcomes.filter(({ settled }) => settled.kind === 'durable')
      expect(winners).toHaveLength(1)
      const [item, ...more] = await logs[0]!.events.read(0)
      expect(more).toEqual([])
      expect(item!.hash).toBe(winners[0]!.item.hash)
      for (const { settled } of outcomes) {
        if (settled.kind !== 'durable') expect(settled).toEqual({ kind: 'lost', item })
      }
    })

    test('lets every one of several writers in, once for each entry, in one chain', async () => {
      const bed = await open()
      const logs = await Promise.all(Array.from({ length: 5 }, () => openLog(bed)))
      const genesis = await logs[0]!.genesis()
      const writers = logs.map(async (log, writer) => {
        let mark = genesis
        for (let entry = 0; entry < 6; ) {
          const { item, body } = log.encode(mark, log.nextTime(mark), [transaction(`${writer}-${entry}`)])
          const { kind } = await (await log.append({ item, body })).settled
          if (kind === 'durable') entry++
          for await (const page of log.follow(mark)) mark = page.at(-1)!
        }
      })
      await Promise.all(writers)
      const ids = idsOf(await entriesAfter(await openLog(bed), genesis))
      expect(ids).toHaveLength(30)
      expect(new Set(ids).size).toBe(30)
    })

    test('refuses an append at a taken position', async () => {
      const bed = await open()
      const [ahead, behind] = [await openLog(bed), await openLog(bed)]
      const genesis = await ahead.genesis()
      const there = await appendAll(ahead, genesis, 'a', 'b')
      const encoded = behind.encode(genesis, behind.nextTime(genesis), [transaction('late')])
      const settled = await (await behind.append(encoded)).settled
      expect(settled).toMatchObject({ kind: 'lost', item: { lsn: 1, writer: ahead.writer } })
      expect(idsOf(await entriesAfter(behind, genesis))).toEqual(['a', 'b'])
      expect(await behind.probe(there.lsn)).toBeUndefined()
    })

    test('has an append whose answer was lost in the log, once', async () => {
      const bed = await open()
      const events = new ScriptedLog(await bed.adapter())
      const log = await openLog(bed, { events })
      const genesis = await log.genesis()
      events.onPut = async (_, put) => {
        events.onPut = undefined
        await put()
        return unknown()
      }
      await appendAll(log, genesis, 'a')
      expect(events.puts).toBe(2)
      expect(idsOf(await entriesAfter(log, genesis))).toEqual(['a'])
    })

    test('tells a writer without an answer that another took the slot', async () => {
      const bed = await open()
      const events = new ScriptedLog(await bed.adapter())
      const [log, other] = [await openLog(bed, { events }), await openLog(bed)]
      const genesis = await log.genesis()
      let late: (() => Promise<unknown>) | undefined
      events.onPut = async (_, put) => {
        events.onPut = undefined
        late = put
        await appendAll(other, genesis, 'theirs')
        return unknown()
      }
      const pending = await log.append(log.encode(genesis, log.nextTime(genesis), [transaction('ours')]))
      expect(await pending.settled).toMatchObject({ kind: 'lost', item: { writer: other.writer } })
      // The request that got no answer arrives after all.
      expect(await late!()).toMatchObject({ kind: 'taken', item: { writer: other.writer } })
      expect(idsOf(await entriesAfter(log, genesis))).toEqual(['theirs'])
    })

    test('proves that nothing follows, or gives what does', async () => {
      const bed = await open()
      const [log, other] = [await openLog(bed), await openLog(bed)]
      const genesis = await log.genesis()
      expect(await log.probe(0)).toBeUndefined()
      await appendAll(other, genesis, 'a')
      expect(await log.probe(0)).toMatchObject({ lsn: 1, writer: other.writer })
      expect(await log.probe(1)).toBeUndefined()
    })

    test('goes on across the end of a bucket', async () => {
      const bed = await open()
      const log = await openLog(bed)
      const start: LogMark = { lsn: LAST - 3, hash: 'ab'.repeat(32), time: 1 }
      const end = await appendAll(log, start, 'a', 'b', 'c', 'd', 'e')
      expect(end.lsn).toBe(LAST + 2)
      const reader = await openLog(bed)
      expect((await reader.events.read(start.lsn)).map(({ lsn }) => lsn)).toEqual([LAST - 2, LAST - 1, LAST])
      expect((await reader.events.read(LAST)).map(({ lsn }) => lsn)).toEqual([LAST + 1, LAST + 2])
      const entries = await entriesAfter(reader, start)
      expect(idsOf(entries)).toEqual(['a', 'b', 'c', 'd', 'e'])
      for (const mark of entries) expect(await reader.probe(mark.lsn)).toEqual(await reader.events.get(mark.lsn + 1))
      await reader.verifyEnd(end)
      expect((await reader.entry(LAST + 1))!.transactions).toEqual([transaction('d')])
    })

    test('reads a log of many pages, each of a bounded size', async () => {
      const bed = await open()
      const log = await openLog(bed)
      const genesis = await log.genesis()
      let mark = genesis
      for (let index = 0; index < 7; index++) {
        const { item, body } = log.encode(mark, log.nextTime(mark), [transaction(`${index}`, incompressible(340_000))])
        expect(item.body?.byteLength).toBeGreaterThan(330_000)
        expect(await (await log.append({ item, body })).settled).toEqual({ kind: 'durable' })
        mark = markOf(item)
      }
      expect((await log.events.read(0)).length).toBeLessThan(7)
      expect(idsOf(await entriesAfter(log, genesis))).toEqual(['0', '1', '2', '3', '4', '5', '6'])
    })

    test('stores a body of 5 MB beside the table, under a key of its own', async () => {
      const bed = await open()
      const [log, other] = [await openLog(bed), await openLog(bed)]
      const genesis = await log.genesis()
      const large = transaction('large', incompressible(5 * 1024 * 1024))
      const [ours, theirs] = [log, other].map((each) => each.encode(genesis, each.nextTime(genesis), [large]))
      // Who has not seen the end yet would look first, and not store anything.
      await other.probe(0)
      expect(await (await log.append(ours!)).settled).toEqual({ kind: 'durable' })
      expect(await (await other.append(theirs!)).settled).toMatchObject({ kind: 'lost' })

      const item = (await other.events.get(1)) as LogItem
      const key = `${bed.storeId}/bodies/0000000000000001-${ours!.item.attempt}`
      expect(item).toMatchObject({ bodyKey: key, bodyBytes: ours!.body.byteLength })
      expect(item.bodyBytes).toBeGreaterThan(5_000_000)
      expect(item.body).toBeUndefined()
      const [entry] = await entriesAfter(other, genesis)
      expect(entry!.transactions).toEqual([large])
      // Who lost the slot has left a body of his own, which no entry names.
      const { objects } = await bed.bodies.list(`${bed.storeId}/bodies/`)
      const keys = [ours!, theirs!].map((each) => bodyKey(bed.storeId, 1, each.item.attempt))
      expect(objects.map((object) => object.key)).toEqual(keys.sort())
    })

    test('appends nothing when a large body cannot be stored', async () => {
      const bed = await open()
      const full = {
        put: async () => Promise.reject(new Error('no space left')),
        get: (key: string) => bed.bodies.get(key),
      }
      const log = await openLog(bed, { bodies: full })
      const genesis = await log.genesis()
      const encoded = log.encode(genesis, log.nextTime(genesis), [transaction('large', incompressible(600_000))])
      await expect(log.append(encoded)).rejects.toMatchObject({ code: 'log_unavailable', message: /no space left/ })
      expect(await log.probe(0)).toBeUndefined()
    })

    test('never lets time go back, even after an entry of the future', async () => {
      const bed = await open()
      const log = await openLog(bed)
      const genesis = await log.genesis()
      const future = log.now() + 3_600_000
      const ahead = log.encode(genesis, future, [transaction('future')])
      expect(await (await log.append(ahead)).settled).toEqual({ kind: 'durable' })
      const end = await appendAll(await openLog(bed), markOf(ahead.item), 'next')
      expect(end.time).toBe(future)
      expect((await entriesAfter(log, genesis)).map(({ time }) => time)).toEqual([future, future])
    })

    describeDamage(open)
  })
}
