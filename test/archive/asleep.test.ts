import { expect, test, vi } from 'vitest'
import { ArchivedLog } from '../../lib/archive/archived-log.ts'
import { DAY_MS } from '../../lib/archive/trim-settings.ts'
import { markOf } from '../../lib/log/chain.ts'
import { Log } from '../../lib/log/log.ts'
import { MemoryLog } from '../../lib/log/memory-log.ts'
import { appendAll, entriesAfter, idsOf, transaction } from '../log/log-bed.ts'
import { ScriptedLog, unknown } from '../support/scripted-log.ts'
import { archiveBed, putSnapshot } from './archive-bed.ts'

/** Who slept while everything he knows of was archived, trimmed and freed: he wins nothing, believes nothing, and catches up. */

/** The log has ten entries, of which the sleeper has seen three; slots up to the ninth are freed later, in his sleep. */
async function sleeperBed() {
  const bed = await archiveBed()
  const { storeId, table, objects, runtime, logger } = bed
  const events = new ScriptedLog(new MemoryLog(storeId, table, runtime))
  const archive = new ArchivedLog({ objects, storeId, logger })
  const sleeper = new Log(events, { storeId, bodies: objects, runtime, logger, archive })
  const third = await appendAll(sleeper, bed.genesis, 'a', 'b', 'c')
  bed.end = third
  const sleep = async (end = third) => {
    bed.end = end
    await bed.append(10 - end.lsn)
    await bed.archive()
    await putSnapshot(bed, 10)
    bed.pass(2 * DAY_MS)
    await bed.trim()
    bed.pass(36 * DAY_MS)
    await bed.trim({ retentionMs: 100 * DAY_MS })
    expect([...table.slots.keys()]).toEqual([10])
  }
  const append = async (mark = third) => {
    const encoded = sleeper.encode(mark, sleeper.nextTime(mark), [transaction('late')])
    return { item: encoded.item, pending: await sleeper.append(encoded) }
  }
  return { bed, events, sleeper, third, sleep, append }
}

test('a writer that was stopped wins no freed slot: it learns who has it', async () => {
  const { bed, sleeper, third, sleep, append } = await sleeperBed()
  const fourth = bed.slots
  await sleep()
  const { pending } = await append()
  expect(await pending.settled).toMatchObject({ kind: 'lost', item: { lsn: 4 } })
  expect(bed.table.slots.has(4)).toBe(false)
  expect(fourth().has(4)).toBe(false)
  expect(idsOf(await entriesAfter(sleeper, third))).toEqual(['e-4', 'e-5', 'e-6', 'e-7', 'e-8', 'e-9', 'e-10'])
  const { pending: next } = await append(bed.end)
  expect(await next.settled).toEqual({ kind: 'durable' })
})

test('a writer in doubt learns that its entry was durable, although it is trimmed and freed', async () => {
  const { bed, events, sleep, append } = await sleeperBed()
  events.onPut = async (item, put) => {
    events.onPut = undefined
    await put()
    await sleep(markOf(item))
    return unknown()
  }
  const { pending } = await append()
  expect(await pending.settled).toEqual({ kind: 'durable' })
  expect(bed.table.slots.has(4)).toBe(false)
})

test('a writer in doubt learns that it was not, and its no-op wins nothing either', async () => {
  for (const ends of [false, true]) {
    const { bed, events, sleeper, sleep, append } = await sleeperBed()
    let slept: Promise<void> | undefined
    events.onPut = async () => {
      slept ??= sleep()
      await slept
      return unknown()
    }
    const { item, pending } = await append()
    await vi.waitFor(() => expect(bed.table.slots.has(4)).toBe(false))
    if (ends) pending.endDoubt(sleeper.noop(item))
    expect(await pending.settled).toMatchObject({ kind: 'lost', item: { lsn: 4 } })
    expect(bed.table.slots.has(4)).toBe(false)
  }
})

test('a reader that was stopped does not take a freed slot for the end of the log', async () => {
  const { sleeper, third, sleep } = await sleeperBed()
  await sleep()
  expect((await sleeper.probe(third.lsn))!.lsn).toBe(4)
  expect(idsOf(await entriesAfter(sleeper, third))).toHaveLength(7)
  expect(await sleeper.probe(10)).toBeUndefined()
})
