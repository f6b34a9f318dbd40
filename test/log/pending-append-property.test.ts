import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeEntry } from '../../lib/log/entry-codec.ts'
import type { LogItem, PutOutcome } from '../../lib/log/event-log.ts'
import { MemoryLog } from '../../lib/log/memory-log.ts'
import { PendingAppend } from '../../lib/log/pending-append.ts'
import { silentLogger } from '../../lib/model/logger.ts'
import { systemRuntime } from '../../lib/model/runtime.ts'
import { unknown, unsent } from '../support/scripted-log.ts'

const STORE = 'store-of-the-test'

/** What the network and the server do with one put. */
type Fate =
  | { kind: 'answered' }
  | { kind: 'answer-lost' }
  | { kind: 'request-lost' }
  | { kind: 'delivered-late'; puts: number }
  | { kind: 'refused' }
  | { kind: 'unsent' }

/** What happens besides, just before a put is sent. */
type Incident = 'nothing' | 'end-doubt' | 'abandon' | 'another-writes' | 'somebody-reads'

const fate: fc.Arbitrary<Fate> = fc.oneof(
  fc.constantFrom<Fate>({ kind: 'answer-lost' }, { kind: 'request-lost' }, { kind: 'refused' }, { kind: 'unsent' }),
  fc.record({ kind: fc.constant('delivered-late' as const), puts: fc.nat(4) }),
  fc.constant<Fate>({ kind: 'answered' }),
)

const incident = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Incident>('nothing') },
  { weight: 1, arbitrary: fc.constantFrom<Incident>('end-doubt', 'abandon', 'another-writes', 'somebody-reads') },
)

const steps = fc.array(fc.record({ fate, incident }), { maxLength: 12 })

function entry(attempt: string): LogItem {
  const draft = { lsn: 1, time: 1, prev: '00', transactions: [] }
  return encodeEntry(draft, { storeId: STORE, writer: 'w', attempt }).item
}

const runtime = {
  ...systemRuntime,
  sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
}

/** Runs one append through its fates, then delivers whatever is still on its way. */
async function run(script: { fate: Fate; incident: Incident }[]) {
  const log = new MemoryLog(STORE)
  const [ours, noop, theirs] = [entry('ours'), entry('noop'), entry('theirs')]
  const late: { afterPut: number; item: LogItem }[] = []
  let puts = 0

  const deliver = async (upTo: number) => {
    for (const each of late.splice(0)) {
      if (each.afterPut > upTo) late.push(each)
      else await log.put(each.item)
    }
  }

  const happens: Record<Incident, () => unknown> = {
    nothing: () => undefined,
    // As the writer does it: only what may have been written is raced.
    'end-doubt': () => pending.inDoubt && pending.endDoubt(noop),
    abandon: () => pending.abandon(),
    'another-writes': () => log.put(theirs),
    'somebody-reads': async () => {
      const item = await log.get(1)
      if (item !== undefined) pending.observe(item)
    },
  }

  const carryOut = async (item: LogItem, fate: Fate): Promise<PutOutcome> => {
    switch (fate.kind) {
      case 'answered':
        return log.put(item)
      case 'answer-lost':
        await log.put(item)
        return unknown()
      case 'delivered-late':
        late.push({ afterPut: puts + fate.puts, item })
        return unknown()
      case 'request-lost':
        return unknown()
      case 'refused':
        return { kind: 'refused', error: new Error('refused') }
      case 'unsent':
        return unsent()
    }
  }

  const put = async (item: LogItem): Promise<PutOutcome> => {
    const step = script[puts++] ?? { fate: { kind: 'answered' }, incident: 'nothing' }
    await deliver(puts)
    await new Promise((resolve) => setImmediate(resolve))
    await happens[step.incident]()
    return carryOut(item, step.fate)
  }
  const pending = new PendingAppend({ put }, ours, runtime, silentLogger)
  const settled = await pending.settled
  await deliver(Number.POSITIVE_INFINITY)
  return { settled, slot: (await log.get(1))?.attempt }
}

test('an append settles as what the slot holds for ever, whatever happens to its requests', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { settled, slot } = await run(script)
      seen.add(`${settled.kind} ${slot ?? 'nothing'}`)
      if (settled.kind === 'durable') expect(slot).toBe('ours')
      if (settled.kind === 'lost') expect(slot).toBe(settled.item.attempt)
      if (settled.kind !== 'durable') expect(slot).not.toBe('ours')
    }),
    { numRuns: 2_000, seed: 20_261_121 },
  )
  const endings = ['durable ours', 'failed nothing', 'failed theirs', 'lost noop', 'lost theirs']
  expect([...seen].sort()).toEqual(endings)
})
