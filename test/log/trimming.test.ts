import { afterAll, describe, expect, test, vi } from 'vitest'
import { type LogMark, markOf } from '../../lib/log/chain.ts'
import type { LogItem } from '../../lib/log/event-log.ts'
import { openDynamoLog, startTable } from '../support/embedded-table.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { ScriptedLog, unknown } from '../support/scripted-log.ts'
import { appendAll, dynamoBed, entriesAfter, idsOf, incompressible, openLog, transaction } from './log-bed.ts'
import { Trimmer } from './trimmer.ts'

const { endpoint } = await startTable(afterAll)

const STALE_MS = 60_000
/** By more than the server's clock can be wrong, which is known to the second. */
const LONG_MS = STALE_MS + 10_000
const LONG = { wall: LONG_MS, monotonic: LONG_MS }

const trimmed = (lsn: number) => ({ name: 'LogTrimmed', code: 'not_ready', lsn })

/**
 * A log of eight entries. `sleeper` wrote the first three and stands at the third, the others are not his; he has a
 * clock of his own. `awake` has just seen the end.
 */
async function start(options: { staleAfterMs?: number } = {}) {
  const bed = await dynamoBed(endpoint)
  const runtime = new ManualRuntime()
  const adapter = await openDynamoLog(endpoint, { table: bed.table, runtime })
  const events = new ScriptedLog(adapter.events)
  const sleeper = await openLog(bed, { events, runtime, staleAfterMs: STALE_MS, ...options })
  const awake = await openLog(bed)
  const genesis = await sleeper.genesis()
  const third = await appendAll(sleeper, genesis, 'a', 'b', 'c')
  events.puts = 0
  const trimmer = new Trimmer(endpoint, bed)
  const appendRest = (mark: LogMark) => appendAll(awake, mark, 'd', 'e', 'f', 'g', 'h')
  const append = async (mark: LogMark = third) => {
    const encoded = sleeper.encode(mark, sleeper.nextTime(mark), [transaction('late')])
    return { item: encoded.item, pending: await sleeper.append(encoded) }
  }
  return { bed, runtime, events, sleeper, awake, genesis, third, trimmer, appendRest, append }
}

type Start = Awaited<ReturnType<typeof start>>

/** The same, with the entries up to the sixth emptied and their slots freed. */
async function startTrimmed(options: { staleAfterMs?: number } = {}) {
  const all = await start(options)
  const eighth = await all.appendRest(all.third)
  await all.trimmer.empty(6)
  await all.trimmer.free(6)
  return { ...all, eighth }
}

describe('a trimmed entry', () => {
  test('keeps its place in the chain and who made it, and loses the rest', async () => {
    const { trimmer, awake, third } = await start()
    const { hash, attempt, pk, sk } = (await trimmer.attributes(3))!
    await trimmer.empty(3, 42)
    expect(await trimmer.attributes(3)).toEqual({ hash, attempt, pk, sk, trimmed: { N: '42' } })
    expect(await awake.events.get(3)).toMatchObject({ lsn: 3, hash: third.hash, attempt: attempt!.S, trimmed: 42 })
  })

  test('stops whoever reads it, and says that it was trimmed', async () => {
    const { trimmer, sleeper, awake, genesis, third, appendRest } = await start()
    await appendRest(third)
    await trimmer.empty(6)
    for (const log of [sleeper, awake]) {
      await expect(entriesAfter(log, third)).rejects.toMatchObject(trimmed(4))
      await expect(entriesAfter(log, genesis)).rejects.toMatchObject(trimmed(1))
      await expect(log.entry(5)).rejects.toMatchObject(trimmed(5))
      await expect(log.page(2, 10)).rejects.toMatchObject(trimmed(3))
      await expect(log.genesis()).rejects.toMatchObject(trimmed(0))
    }
  })

  test('is not in the way of readers behind it', async () => {
    const { bed, sleeper, third, trimmer } = await startTrimmed()
    const sixth = { ...third, lsn: 6, hash: (await sleeper.events.get(7))!.prev }
    expect(idsOf(await entriesAfter(await openLog(bed), sixth))).toEqual(['g', 'h'])
    expect(await trimmer.trimmedTo()).toBe(6)
  })

  test('still wins its slot against a late writer', async () => {
    const { trimmer, sleeper, third, appendRest, append } = await start()
    await appendRest(third)
    await trimmer.empty(6)
    const { pending } = await append()
    expect(await pending.settled).toMatchObject({ kind: 'lost', item: { lsn: 4, trimmed: 1 } })
    await expect(entriesAfter(sleeper, third)).rejects.toMatchObject(trimmed(4))
  })

  test('tells the writer of it, who was long without an answer, that it was durable', async () => {
    const { runtime, events, trimmer, appendRest, append } = await start()
    events.onPut = async (item, put) => {
      events.onPut = undefined
      await put()
      await appendRest(markOf(item))
      await trimmer.empty(6)
      runtime.elapse(LONG)
      return unknown()
    }
    const { pending } = await append()
    expect(await pending.settled).toEqual({ kind: 'durable' })
  })
})

describe('freed slots', () => {
  test('stop readers as trimmed, not as damaged', async () => {
    const { bed, awake, sleeper, third, genesis } = await startTrimmed()
    for (const log of [awake, sleeper, await openLog(bed)]) {
      await expect(entriesAfter(log, third)).rejects.toMatchObject(trimmed(4))
      await expect(entriesAfter(log, genesis)).rejects.toMatchObject(trimmed(1))
      await expect(log.genesis()).rejects.toMatchObject(trimmed(0))
    }
  })

  test.each([
    ['was stopped', LONG],
    ['was on a machine that slept', { wall: LONG_MS, monotonic: 0 }],
    ['was stopped while its clock was set back', { wall: 0, monotonic: LONG_MS }],
  ])('are not won by a writer that %s for long', async (_, elapsed) => {
    const { runtime, trimmer, events, append } = await startTrimmed()
    runtime.elapse(elapsed)
    await expect(append()).rejects.toMatchObject(trimmed(4))
    expect(events.puts).toBe(0)
    expect(await trimmer.attributes(4)).toBeUndefined()
  })

  test('would be won without the look at the head, which shows what it is for', async () => {
    const { runtime, trimmer, append } = await startTrimmed({ staleAfterMs: Number.POSITIVE_INFINITY })
    runtime.elapse(LONG)
    const { item, pending } = await append()
    expect(await pending.settled).toEqual({ kind: 'durable' })
    expect((await trimmer.attributes(4))!.attempt).toEqual({ S: item.attempt })
  })

  test('are not won by a writer that has just started', async () => {
    const { bed, trimmer, third } = await startTrimmed()
    const log = await openLog(bed)
    await expect(log.append(log.encode(third, log.nextTime(third), []))).rejects.toMatchObject(trimmed(4))
    expect(await trimmer.attributes(4)).toBeUndefined()
  })

  test('are not taken for the end of the log by a reader that was away for long', async () => {
    const { runtime, sleeper, third, trimmer } = await startTrimmed()
    await trimmer.empty(8)
    await trimmer.free(8)
    runtime.elapse(LONG)
    await expect(sleeper.probe(3)).rejects.toMatchObject(trimmed(4))
    await expect(entriesAfter(sleeper, third)).rejects.toMatchObject(trimmed(4))
  })

  test.each([
    ['the same', false],
    ['a no-op', true],
  ])('are not won when an append in doubt is repeated after long, by %s', async (_, noop) => {
    const { runtime, events, sleeper, awake, trimmer, appendRest, third, append } = await start()
    let there: LogItem | undefined
    let looked = 0
    events.onPut = async () => {
      await appendRest(third)
      there = await awake.events.get(4)
      await trimmer.empty(6)
      await trimmer.free(6)
      runtime.elapse(LONG)
      events.onRead = () => void looked++
      return unknown()
    }
    const { item, pending } = await append()
    await vi.waitFor(() => expect(looked).toBeGreaterThan(0), { timeout: 5_000 })
    if (noop) pending.endDoubt(sleeper.noop(item))
    const before = looked
    await vi.waitFor(() => expect(looked).toBeGreaterThan(before + 1), { timeout: 5_000 })
    expect(events.puts).toBe(1)
    expect(pending.inDoubt).toBe(true)
    expect(await trimmer.attributes(4)).toBeUndefined()
    // Only somebody who has kept the entry can tell.
    pending.observe(there!)
    expect(await pending.settled).toMatchObject({ kind: 'lost' })
  })

  test('are not won by a writer whose last entry was answered after long', async () => {
    const { runtime, events, trimmer, appendRest, append } = await start()
    events.onPut = async (item, put) => {
      events.onPut = undefined
      const outcome = await put()
      await appendRest(markOf(item))
      await trimmer.empty(6)
      await trimmer.free(6)
      runtime.elapse(LONG)
      return outcome
    }
    const { item, pending } = await append()
    expect(await pending.settled).toEqual({ kind: 'durable' })
    await expect(append(markOf(item))).rejects.toMatchObject(trimmed(5))
    expect(await trimmer.attributes(5)).toBeUndefined()
  })

  test('are not won by a writer that has read an old entry, which is not the end of the log', async () => {
    const { runtime, sleeper, trimmer, third, appendRest, append } = await start()
    await appendRest(third)
    runtime.elapse(LONG)
    const fourth = markOf((await sleeper.probe(3))!)
    await trimmer.empty(6)
    await trimmer.free(6)
    await expect(append(fourth)).rejects.toMatchObject(trimmed(5))
    expect(await trimmer.attributes(5)).toBeUndefined()
  })

  test('are not won when they are freed between the look and the put', async () => {
    const { runtime, events, trimmer, third, appendRest, append } = await start()
    await appendRest(third)
    await trimmer.empty(6)
    await trimmer.free(3)
    runtime.elapse(LONG)
    events.onPut = async (_, put) => {
      await trimmer.free(6)
      return put()
    }
    const { pending } = await append()
    expect(await pending.settled).toMatchObject({ kind: 'lost', item: { lsn: 4, trimmed: 1 } })
    expect(events.puts).toBe(0)
  })
})

describe('a writer that was away for long', () => {
  /** Stands still while it stores the body of a large entry, having looked at the end of the log before. */
  async function stoppedWhileStoring(meanwhile: () => Promise<void>, { bed, events, runtime, third }: Start) {
    const bodies = {
      put: async () => {
        await meanwhile()
        runtime.elapse(LONG)
      },
      get: (key: string) => bed.bodies.get(key),
    }
    const log = await openLog(bed, { events, runtime, bodies, staleAfterMs: STALE_MS })
    const large = transaction('large', incompressible(400_000))
    return log.append(log.encode(third, log.nextTime(third), [large]))
  }

  test('has failed for sure when its slot was freed before it sent anything', async () => {
    const all = await start()
    const pending = await stoppedWhileStoring(async () => {
      await all.appendRest(all.third)
      await all.trimmer.empty(6)
      await all.trimmer.free(6)
    }, all)
    expect(await pending.settled).toMatchObject({ kind: 'failed', error: trimmed(4) })
    expect(all.events.puts).toBe(0)
  })

  test('has sent nothing, and says so, while it cannot look', async () => {
    const all = await start()
    const pending = await stoppedWhileStoring(async () => {
      all.events.onRead = () => {
        throw new Error('no route')
      }
    }, all)
    pending.abandon()
    expect(await pending.settled).toMatchObject({ kind: 'failed', error: { message: /no route/ } })
    expect(all.events.puts).toBe(0)
  })

  test('goes on when nothing after its place was trimmed', async () => {
    const { runtime, trimmer, third, sleeper, events, awake } = await start()
    await trimmer.empty(2)
    await trimmer.free(2)
    runtime.elapse(LONG)
    const end = await appendAll(sleeper, third, 'd', 'e')
    expect(events.puts).toBe(2)
    expect(idsOf(await entriesAfter(awake, third))).toEqual(['d', 'e'])
    expect(await sleeper.probe(end.lsn)).toBeUndefined()
  })

  test('appends nothing while the head cannot be read', async () => {
    const { runtime, events, append, trimmer } = await start()
    runtime.elapse(LONG)
    events.head = async () => Promise.reject(new Error('no route'))
    await expect(append()).rejects.toMatchObject({ code: 'log_unavailable', message: /no route/ })
    expect(events.puts).toBe(0)
    expect(await trimmer.attributes(4)).toBeUndefined()
  })
})

describe('whoever trims', () => {
  test('only moves on', async () => {
    const { trimmer } = await startTrimmed()
    await trimmer.log.advanceTrimmedTo(4)
    expect(await trimmer.trimmedTo()).toBe(6)
  })

  test('frees no entry that was not emptied', async () => {
    const { trimmer } = await startTrimmed()
    await expect(trimmer.log.remove(7)).rejects.toMatchObject({ code: 'log_corrupt', lsn: 7 })
    expect((await trimmer.attributes(7))!.body).toBeDefined()
    await trimmer.log.remove(6)
  })

  test('empties only the entry that it means, and once', async () => {
    const { trimmer, awake, third } = await start()
    const item = (await awake.events.get(3))!
    await expect(trimmer.log.bury({ ...item, hash: 'ab'.repeat(32) }, 1)).rejects.toMatchObject({ lsn: 3 })
    await expect(trimmer.log.bury({ ...item, lsn: 4 }, 1)).rejects.toMatchObject({ lsn: 4 })
    expect((await trimmer.attributes(3))!.body).toBeDefined()
    expect(await trimmer.attributes(4)).toBeUndefined()
    await trimmer.log.bury(item, 1)
    // Another one comes later: the tombstone is not made younger.
    await trimmer.log.bury(item, 2)
    expect(await trimmer.log.get(3)).toMatchObject({ hash: third.hash, trimmed: 1 })
  })
})

test('whoever may not empty or delete entries is told who may', async () => {
  const bed = await dynamoBed(endpoint)
  const log = await openLog(bed)
  await appendAll(log, await log.genesis(), 'a')
  const proxy = await FaultProxy.start(endpoint)
  const body = { __type: 'com.amazonaws.dynamodb.v20120810#AccessDeniedException', message: 'not authorized' }
  proxy.use((operation) =>
    /^(Put|Update|Delete)Item$/.test(operation) ? { kind: 'answer', status: 400, body } : undefined,
  )
  const trimmer = new Trimmer(proxy.url, bed)
  const told = { code: 'not_available', message: expect.stringContaining('TrimFunction') }
  await expect(trimmer.empty(1)).rejects.toMatchObject(told)
  await expect(trimmer.log.advanceTrimmedTo(1)).rejects.toMatchObject(told)
  await expect(trimmer.log.remove(1)).rejects.toMatchObject(told)
})
