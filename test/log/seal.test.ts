import { expect, test } from 'vitest'
import { MemoryLog, MemoryTable } from '../../lib/log/memory-log.ts'
import { sealLog } from '../../lib/log/seal.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { ScriptedLog, unknown } from '../support/scripted-log.ts'
import { appendAll, entriesAfter, idsOf, memoryBed, openLog, transaction } from './log-bed.ts'

/** A log that has ended has ended for everybody, whatever he knows. */

const because = 'deleted' as const
const runtime = { ...systemRuntime, sleep: async () => undefined }

test('nobody appends behind a seal, and whoever follows the log is told behind its last entry', async () => {
  const bed = await memoryBed()
  const [log, other] = [await openLog(bed), await openLog(bed)]
  const genesis = await log.genesis()
  const last = await appendAll(log, genesis, 'one', 'two')
  const adapter = await bed.adapter()
  expect(await sealLog(adapter, { storeId: bed.storeId, from: 0, because, runtime })).toMatchObject({ lsn: 2 })
  const late = other.encode(last, other.nextTime(last), [transaction('late')])
  expect(await (await other.append(late)).settled).toMatchObject({ kind: 'lost', item: { codec: 'seal' } })
  const seen: string[] = []
  const follow = async () => {
    for await (const page of other.follow(genesis)) seen.push(...idsOf(page))
  }
  await expect(follow()).rejects.toMatchObject({ code: 'store_changed', lsn: 3, message: /deleted/ })
  expect(seen).toEqual(['one', 'two'])
  // Again is no harm, and leaves one seal.
  expect(await sealLog(adapter, { storeId: bed.storeId, from: 1, because, runtime })).toMatchObject({ lsn: 2 })
  expect(await adapter.get(4)).toBeUndefined()
})

test('writers that race a seal are behind the log or in it: what was durable is before the seal', async () => {
  for (let round = 0; round < 20; round++) {
    const table = new MemoryTable()
    const storeId = systemRuntime.newId()
    const log = await openLog({ ...(await memoryBed()), storeId }, { events: new MemoryLog(storeId, table) })
    const genesis = await log.genesis()
    const durable: string[] = []
    const writing = (async () => {
      for (let mark = genesis, i = 0; ; i++) {
        const encoded = log.encode(mark, log.nextTime(mark), [transaction(`t-${i}`)])
        const settled = await (await log.append(encoded)).settled
        if (settled.kind !== 'durable') return
        durable.push(`t-${i}`)
        mark = { lsn: encoded.item.lsn, hash: encoded.item.hash, time: encoded.item.time }
      }
    })()
    const end = await sealLog(new MemoryLog(storeId, table), { storeId, from: 0, because, runtime })
    await writing
    expect(end!.lsn).toBe(durable.length)
    table.slots.delete(end!.lsn + 1)
    expect(idsOf(await entriesAfter(log, genesis))).toEqual(durable)
  }
})

test('a seal of unknown outcome is looked for; where nobody answers it is not said to be there', async () => {
  const storeId = systemRuntime.newId()
  const events = new ScriptedLog(new MemoryLog(storeId))
  events.onPut = async (_item, put) => {
    await put()
    return unknown()
  }
  expect(await sealLog(events, { storeId, from: 0, because, runtime })).toMatchObject({ lsn: 0 })
  expect(await events.get(2)).toBeUndefined()
  const away = new ScriptedLog(new MemoryLog(systemRuntime.newId()))
  away.onPut = async () => unknown()
  await expect(sealLog(away, { storeId, from: 0, because, runtime })).rejects.toMatchObject({ code: 'log_unavailable' })
  expect(await sealLog(away, { storeId, from: 7, because, runtime })).toBeUndefined()
})
