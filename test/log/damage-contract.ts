import { describe, expect, test } from 'vitest'
import type { LogMark } from '../../lib/log/chain.ts'
import { encodeEntry, hashOfItem } from '../../lib/log/entry-codec.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import type { Log } from '../../lib/log/log.ts'
import { ScriptedLog } from '../support/scripted-log.ts'
import { appendAll, entriesAfter, idsOf, incompressible, type LogBed, openLog, transaction } from './log-bed.ts'

/** Last slot of the first bucket. */
const LAST = 65_535

/** A change to one stored item that its checksum must find. */
const DAMAGE: { [Name in keyof LogItem]?: (item: LogItem) => LogItem[Name] } = {
  writer: (item) => `${item.writer.slice(1)}0`,
  attempt: (item) => `${item.attempt.slice(1)}0`,
  time: (item) => item.time + 1,
  prev: () => 'ff'.repeat(32),
  hash: () => '00'.repeat(32),
  codec: () => 'deflate',
  transactions: (item) => item.transactions + 1,
  bodyHash: () => '11'.repeat(32),
  bodyBytes: (item) => item.bodyBytes - 1,
  bodyKey: () => 'elsewhere',
}

/** An item with a hash that fits, as a writer with a bug would make it. */
function sealed(item: LogItem): LogItem {
  return { ...item, hash: hashOfItem(item) }
}

/** A log of three entries, one of which the test exchanges. */
async function threeEntries(open: () => Promise<LogBed>) {
  const bed = await open()
  const log = await openLog(bed)
  const genesis = await log.genesis()
  await appendAll(log, genesis, 'a', 'b', 'c')
  const second = (await log.events.get(2))!
  return { bed, log, genesis, second, overwrite: (change: Partial<LogItem>) => bed.overwrite({ ...second, ...change }) }
}

/** The error with which a reader stops, having read the entries before it. */
async function stop(log: Log, mark: LogMark): Promise<unknown> {
  return entriesAfter(log, mark).then(
    () => undefined,
    (error: unknown) => error,
  )
}

function corrupt(lsn: number, failure: string | RegExp) {
  return {
    name: 'CorruptEntry',
    code: 'log_corrupt',
    lsn,
    failure: typeof failure === 'string' ? failure : expect.stringMatching(failure),
    message: expect.stringContaining(`log entry ${lsn} cannot be used: `),
  }
}

/** A log that is not what was written: every reader stops, and says where and why. */
export function describeDamage(open: () => Promise<LogBed>): void {
  describe('a damaged log', () => {
    test.each(Object.keys(DAMAGE))('is found by its checksum: %s', async (name) => {
      const { log, genesis, second, overwrite } = await threeEntries(open)
      await overwrite({ [name]: DAMAGE[name as keyof LogItem]!(second) })
      const error = corrupt(2, 'its attributes do not match its checksum')
      expect(await stop(log, genesis)).toMatchObject(error)
      await expect(log.entry(2)).rejects.toMatchObject(error)
      await expect(log.page(0, 10)).rejects.toMatchObject(error)
      expect(idsOf(await entriesAfter(log, { ...second }))).toEqual(['c'])
    })

    test('is found by the checksum of a body', async () => {
      const { log, genesis, second, overwrite } = await threeEntries(open)
      const body = Buffer.from(second.body!)
      body[body.length >> 1]! ^= 1
      await overwrite({ body })
      const error = corrupt(2, 'its body does not match its checksum')
      expect(await stop(log, genesis)).toMatchObject(error)
      await expect(log.entry(2)).rejects.toMatchObject(error)
    })

    test('is found when an entry has lost its body', async () => {
      const { bed, log, genesis, second } = await threeEntries(open)
      const { body: _, ...bodiless } = second
      await bed.overwrite(bodiless)
      expect(await stop(log, genesis)).toMatchObject(corrupt(2, 'its body does not match its checksum'))
    })

    test.each([
      ['what it does not follow', { prev: 'ab'.repeat(32) }, 'it does not follow the entry at 1'],
      ['its time', { time: 1 }, 'its time is before that of the entry it follows'],
      ['a number of transactions', { transactions: 2 }, 'it has 1 transactions instead of 2'],
      ['an encoding', { codec: 'zstd' as never }, 'its codec "zstd" is unknown to this build'],
      ['another encoding', { codec: 'deflate' as const }, /^its body cannot be decoded \(.+\)$/],
    ])('is found when an entry with a right checksum is wrong about %s', async (_, change, failure) => {
      const { log, genesis, second, overwrite } = await threeEntries(open)
      await overwrite(sealed({ ...second, ...change }))
      expect(await stop(log, genesis)).toMatchObject(corrupt(2, failure))
    })

    test('is found when an entry was exchanged for another with a right checksum', async () => {
      const { bed, log, genesis, second } = await threeEntries(open)
      const ids = { storeId: bed.storeId, writer: second.writer, attempt: second.attempt }
      const { lsn, time, prev } = second
      await bed.overwrite(encodeEntry({ lsn, time, prev, transactions: [transaction('forged')] }, ids).item)
      expect(await stop(log, genesis)).toMatchObject(corrupt(3, 'it does not follow the entry at 2'))
    })

    test('is found when an entry in the middle is missing, after those before it', async () => {
      const { bed, log, genesis } = await threeEntries(open)
      await bed.remove(2)
      const read: string[] = []
      const following = (async () => {
        for await (const page of log.follow(genesis)) read.push(...idsOf(page))
      })()
      await expect(following).rejects.toMatchObject(corrupt(2, 'it is missing, the next one present is 3'))
      expect(read).toEqual(['a'])
    })

    test('is not called damaged when a page was read while entries were written', async () => {
      const { bed, genesis } = await threeEntries(open)
      const adapter = await bed.adapter()
      const events = new ScriptedLog(adapter)
      // A page is no snapshot: it may lack an entry that was written while it was put together.
      const torn = [new Set([1]), new Set([2])]
      events.read = async (after) => {
        const without = torn.shift()
        return (await adapter.read(after)).filter(({ lsn }) => !without?.has(lsn))
      }
      const log = await openLog(bed, { events })
      expect(idsOf(await entriesAfter(log, genesis))).toEqual(['a', 'b', 'c'])
    })

    test('is found when the last entries of a bucket are missing', async () => {
      const bed = await open()
      const log = await openLog(bed)
      const start = { lsn: LAST - 3, hash: 'ab'.repeat(32), time: 1 }
      const mark = await appendAll(log, start, 'a')
      await appendAll(log, mark, 'b', 'c', 'd')
      await log.verifyEnd(mark)
      for (const lsn of [LAST - 1, LAST]) await bed.remove(lsn)
      // What follows in the bucket is its end, as far as a page can show.
      expect(idsOf(await entriesAfter(log, start))).toEqual(['a'])
      const missing = corrupt(LAST - 1, `it is missing, the next one present is ${LAST + 1}`)
      await expect(log.verifyEnd(mark)).rejects.toMatchObject(missing)
    })

    test('is found when an entry belongs to another store', async () => {
      const { log, genesis, second, overwrite } = await threeEntries(open)
      await overwrite(sealed({ ...second, storeId: 'STRANGER' }))
      expect(await stop(log, genesis)).toMatchObject(corrupt(2, 'it belongs to another store, STRANGER'))
    })

    test('is not read past an entry of a format that this build does not know', async () => {
      const { log, genesis, second, overwrite } = await threeEntries(open)
      await overwrite(sealed({ ...second, format: 2 }))
      const failure = 'its format 2 is unknown to this build, which knows 1'
      expect(await stop(log, genesis)).toMatchObject(corrupt(2, failure))
    })

    test('is found when a body beside the table is missing or damaged, but not when it cannot be read', async () => {
      const bed = await open()
      const log = await openLog(bed)
      const genesis = await log.genesis()
      const encoded = log.encode(genesis, log.nextTime(genesis), [transaction('large', incompressible(600_000))])
      expect(await (await log.append(encoded)).settled).toEqual({ kind: 'durable' })
      const key = encoded.item.bodyKey!

      const away = { put: bed.bodies.put, get: async () => Promise.reject(new Error('connection refused')) }
      const cut = await openLog(bed, { bodies: away })
      expect(await stop(cut, genesis)).toMatchObject({ code: 'log_unavailable', message: /connection refused/ })

      await bed.bodies.put(key, encoded.body.subarray(1))
      expect(await stop(log, genesis)).toMatchObject(corrupt(1, 'its body does not match its checksum'))
      await bed.bodies.delete(key)
      expect(await stop(log, genesis)).toMatchObject(corrupt(1, `its body ${key} is missing`))
    })

    test('says when the genesis entry is damaged', async () => {
      const { bed, log } = await threeEntries(open)
      await bed.overwrite({ ...(await log.events.get(0))!, time: 0 })
      await expect(log.genesis()).rejects.toMatchObject(corrupt(0, 'its attributes do not match its checksum'))
    })
  })
}
