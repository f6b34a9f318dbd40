import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { AppendPace } from '../../lib/writer/append-pace.ts'
import { ManualRuntime } from '../support/manual-runtime.ts'
import { memoryNode } from '../support/memory-node.ts'
import { as, request, saveTask } from '../support/requests.ts'
import { gate } from '../support/scripted-log.ts'

/** When the batch behind an entry that is on its way is decided. */

const LONG_MS = 10_000

test('nothing is waited for while it is not known how long an append takes', () => {
  expect(new AppendPace().spareMs(0, 5)).toBe(0)
})

test('a batch is begun so early that it is decided before the shortest of the last appends would end', () => {
  const pace = new AppendPace()
  for (const ms of [30, 1_000, 40]) pace.observe(ms)
  expect(pace.spareMs(0, 8)).toBe(30 - 10 - 1)
  expect(pace.spareMs(20, 8)).toBeLessThanOrEqual(0)
  for (let i = 0; i < 8; i++) pace.observe(5)
  expect(pace.spareMs(0, 8)).toBeLessThanOrEqual(0)
  // A log that has become slower is believed when it has been so for a while.
  for (let i = 0; i < 7; i++) pace.observe(500)
  expect(pace.spareMs(0, 8)).toBeLessThanOrEqual(0)
  pace.observe(500)
  expect(pace.spareMs(0, 8)).toBe(500 - 10 - 1)
})

test('whoever comes while an append takes long is in the batch behind it', async () => {
  const runtime = new ManualRuntime()
  const { node, events } = await memoryNode({ runtime })
  const submit = (id: string) => node.submit(request([saveTask(id)]), as('p'))
  events.onPut = async (_item, put) => {
    // When it is on its way.
    await sleep(1)
    runtime.elapse({ wall: LONG_MS, monotonic: LONG_MS })
    return put()
  }
  await submit('learns-how-long-it-takes')
  const [sent, held] = [gate(), gate()]
  events.onPut = async (_item, put) => {
    sent.open()
    await held.opened
    return put()
  }
  const before = submit('before')
  await sent.opened
  const first = submit('first')
  // Time in which it would be decided if nothing were waited for.
  await sleep(100)
  const second = submit('second')
  held.open()
  const lsns = (await Promise.all([before, first, second])).map(({ lsn }) => lsn)
  expect(lsns).toEqual([lsns[0], lsns[0]! + 1, lsns[0]! + 1])
})
