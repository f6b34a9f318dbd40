import { describe, expect, test } from 'vitest'
import { encodeEntry } from '../../lib/log/entry-codec.ts'
import type { LogItem, PutOutcome } from '../../lib/log/event-log.ts'
import { MemoryLog, MemoryTable } from '../../lib/log/memory-log.ts'
import { PendingAppend } from '../../lib/log/pending-append.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { type Runtime, systemRuntime } from '../../lib/model/runtime.ts'
import { gate, type PutScript, ScriptedLog, unknown, unsent } from '../support/scripted-log.ts'
import { transaction } from './log-bed.ts'

const STORE = 'store-of-the-test'

const refused = (): PutOutcome => ({ kind: 'refused', error: new Error('access denied') })

function entry(id: string): LogItem {
  const draft = { lsn: 1, time: 1, prev: '00', transactions: [transaction(id)] }
  return encodeEntry(draft, { storeId: STORE, writer: 'w', attempt: systemRuntime.newId() }).item
}

/** An append of `ours` to slot 1; its puts go by these scripts in turn, and after them straight to the log. */
function startOn(runtime: Runtime, scripts: PutScript[]) {
  const direct = new MemoryLog(STORE, new MemoryTable())
  const log = new ScriptedLog(direct)
  const sent: string[] = []
  const [ours, theirs, noop] = [entry('ours'), entry('theirs'), entry('noop')]
  log.onPut = async (item, put) => {
    sent.push(item.attempt)
    const script = scripts.shift()
    return script === undefined ? put() : script(item, put)
  }
  const pending = new PendingAppend(log, ours, runtime, silentLogger)
  return { pending, ours, theirs, noop, log, direct, sent, slot: async () => (await direct.get(1))?.attempt }
}

const start = (...scripts: PutScript[]) => startOn(systemRuntime, scripts)

/** The same with pauses between puts that last until they are aborted, or the test goes on. */
function startPausing(...scripts: PutScript[]) {
  let begun = gate()
  let goOn = () => {}
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((resolve) => {
      goOn = resolve
      signal?.addEventListener('abort', () => resolve())
      begun.open()
    })
  const append = startOn({ ...systemRuntime, sleep }, scripts)
  const paused = async () => {
    await begun.opened
    begun = gate()
  }
  return { ...append, paused, goOn: () => goOn() }
}

/** Whether a promise has settled once everything that is due has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise((resolve) => setImmediate(() => resolve('later')))
  return (await Promise.race([promise, later])) !== 'later'
}

describe('an append on its way', () => {
  test('is durable when it is written', async () => {
    const { pending, sent, slot, ours } = start()
    expect(await pending.settled).toEqual({ kind: 'durable' })
    expect(sent).toHaveLength(1)
    expect(await slot()).toBe(ours.attempt)
  })

  test('is sent again, the same, when its request was lost', async () => {
    const { pending, ours, sent } = start(async () => unknown())
    expect(await pending.settled).toEqual({ kind: 'durable' })
    expect(sent).toEqual([ours.attempt, ours.attempt])
  })

  test('is durable when its answer was lost', async () => {
    const { pending, sent } = start(async (_, put) => {
      await put()
      return unknown()
    })
    expect(await pending.settled).toEqual({ kind: 'durable' })
    expect(sent).toHaveLength(2)
  })

  test('takes an adapter that throws for one that does not know', async () => {
    const { pending } = start(async (_, put) => {
      await put()
      throw new TypeError('a bug in the adapter')
    })
    expect(await pending.settled).toEqual({ kind: 'durable' })
  })

  test('is lost when another has the slot, and says who', async () => {
    const { pending, theirs, direct, paused, goOn } = startPausing(async () => unknown())
    await paused()
    await direct.put(theirs)
    goOn()
    expect(await pending.settled).toEqual({ kind: 'lost', item: await direct.get(1) })
    expect((await direct.get(1))!.attempt).toBe(theirs.attempt)
  })

  test('stays lost when its request is delivered after another has won', async () => {
    let late: (() => Promise<PutOutcome>) | undefined
    const { pending, theirs, direct, slot, paused, goOn } = startPausing(async (_, put) => {
      late = put
      return unknown()
    })
    await paused()
    await direct.put(theirs)
    goOn()
    expect(await pending.settled).toMatchObject({ kind: 'lost', item: { attempt: theirs.attempt } })
    expect(await late!()).toMatchObject({ kind: 'taken' })
    expect(await slot()).toBe(theirs.attempt)
  })

  test('fails when it is refused at once', async () => {
    const { pending, sent, slot } = start(async () => refused())
    expect(await pending.settled).toMatchObject({ kind: 'failed', error: { message: 'access denied' } })
    expect(sent).toHaveLength(1)
    expect(await slot()).toBeUndefined()
  })

  test('fails when it is refused after it has not reached anybody', async () => {
    const { pending } = start(
      async () => unsent(),
      async () => refused(),
    )
    expect(await pending.settled).toMatchObject({ kind: 'failed', error: { message: 'access denied' } })
  })

  test('does not fail when it is refused after it may have been written', async () => {
    const { pending, sent } = start(
      async (_, put) => {
        await put()
        return unknown()
      },
      async () => refused(),
      async () => refused(),
    )
    expect(await pending.settled).toEqual({ kind: 'durable' })
    expect(sent).toHaveLength(4)
  })

  test('waits longer and longer, with jitter, and never long', async () => {
    const pauses: number[] = []
    const runtime = { ...systemRuntime, random: () => 0.5, sleep: async (ms: number) => void pauses.push(ms) }
    const outcomes = Array.from({ length: 8 }, unsent)
    const put = async () => outcomes.shift() ?? { kind: 'written' as const }
    await new PendingAppend({ put }, entry('ours'), runtime, silentLogger).settled
    expect(pauses).toEqual([20, 40, 80, 160, 320, 500, 500, 500])
  })
})

describe('an append that is abandoned', () => {
  test('has failed when it never reached a server, and does not wait for the end of a pause', async () => {
    const nobody = async () => unsent()
    const { pending, slot, paused, goOn, sent } = startPausing(nobody, nobody, nobody)
    await paused()
    goOn()
    await paused()
    expect(await isSettled(pending.settled)).toBe(false)
    pending.abandon()
    expect(await pending.settled).toMatchObject({ kind: 'failed', error: { message: 'connection refused' } })
    expect(sent).toHaveLength(3)
    expect(await slot()).toBeUndefined()
  })

  test('is durable when the request on its way is written', async () => {
    const { opened, open } = gate()
    const { pending, slot, ours } = start(async (_, put) => {
      await opened
      return put()
    })
    pending.abandon()
    open()
    expect(await pending.settled).toEqual({ kind: 'durable' })
    expect(await slot()).toBe(ours.attempt)
  })

  test('goes on while it is in doubt, though no server can be reached any more', async () => {
    const nobody = async () => unsent()
    const { pending, paused, goOn, slot, ours } = startPausing(async () => unknown(), nobody, nobody)
    await paused()
    expect(pending.inDoubt).toBe(true)
    pending.abandon()
    await paused()
    goOn()
    await paused()
    expect(await isSettled(pending.settled)).toBe(false)
    goOn()
    expect(await pending.settled).toEqual({ kind: 'durable' })
    expect(pending.inDoubt).toBe(false)
    expect(await slot()).toBe(ours.attempt)
  })
})

describe('a doubt that is ended', () => {
  test('is lost to the no-op when that wins, even if the request is delivered later', async () => {
    let late: (() => Promise<PutOutcome>) | undefined
    const { pending, noop, sent, ours, slot, paused } = startPausing(async (_, put) => {
      late = put
      return unknown()
    })
    await paused()
    pending.endDoubt(noop)
    expect(await pending.settled).toEqual({ kind: 'lost', item: noop })
    expect(sent).toEqual([ours.attempt, noop.attempt])
    expect(await late!()).toMatchObject({ kind: 'taken' })
    expect(await slot()).toBe(noop.attempt)
  })

  test('is durable when the request is delivered before the no-op', async () => {
    const { pending, noop, ours, sent, direct, slot, paused } = startPausing(async () => unknown())
    await paused()
    await direct.put(ours)
    pending.endDoubt(noop)
    expect(await pending.settled).toEqual({ kind: 'durable' })
    expect(sent).toEqual([ours.attempt, noop.attempt])
    expect(await slot()).toBe(ours.attempt)
  })

  test('is lost to a third when that has the slot', async () => {
    const { pending, noop, theirs, direct, paused } = startPausing(async () => unknown())
    await paused()
    await direct.put(theirs)
    pending.endDoubt(noop)
    expect(await pending.settled).toMatchObject({ kind: 'lost', item: { attempt: theirs.attempt } })
  })

  test('is lost to the no-op when the answer to that was lost', async () => {
    const { pending, noop, sent, paused, goOn } = startPausing(
      async () => unknown(),
      async (_, put) => {
        await put()
        return unknown()
      },
    )
    await paused()
    pending.endDoubt(noop)
    await paused()
    goOn()
    expect(await pending.settled).toMatchObject({ kind: 'lost', item: { attempt: noop.attempt } })
    expect(sent).toHaveLength(3)
  })

  test('has one no-op only', async () => {
    const { pending, noop, ours, sent, paused, goOn } = startPausing(
      async () => unknown(),
      async () => unknown(),
    )
    await paused()
    pending.endDoubt(noop)
    await paused()
    pending.endDoubt(entry('second no-op'))
    goOn()
    expect(await pending.settled).toMatchObject({ kind: 'lost', item: { attempt: noop.attempt } })
    expect(sent).toEqual([ours.attempt, noop.attempt, noop.attempt])
  })
})

describe('a reader of the slot', () => {
  test.each([
    ['our entry', true, 'durable'],
    ['that of another', false, 'lost'],
  ])('settles the append with %s, and nothing is sent any more', async (_, own, kind) => {
    const { pending, ours, theirs, noop, sent, paused, goOn } = startPausing(async () => unknown())
    await paused()
    pending.observe(own ? ours : theirs)
    expect(await pending.settled).toMatchObject({ kind })
    expect(pending.inDoubt).toBe(false)
    pending.observe(own ? theirs : ours)
    pending.endDoubt(noop)
    goOn()
    expect(await isSettled(pending.settled)).toBe(true)
    expect(await pending.settled).toMatchObject({ kind })
    expect(sent).toHaveLength(1)
  })
})
