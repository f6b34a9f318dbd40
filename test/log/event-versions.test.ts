import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifyItem } from '../../lib/log/chain.ts'
import type { LoggedTransaction } from '../../lib/log/entry.ts'
import { decodeEntry, encodeEntry, hashOfItem } from '../../lib/log/entry-codec.ts'
import { type EventRegistry, upcastEvent } from '../../lib/model/event-registry.ts'
import type { BorealEvent } from '../../lib/model/events.ts'
import { emptyStore, stateOf } from '../support/state.ts'

/**
 * A history that never was: quotas were first numbers, then had a list of amounts, and have today's shape since
 * version 3. `made` is a kind that only this registry knows.
 */
interface QuotaV1 {
  event: 'quotaSaved'
  v: 1
  role: string
  cpus: number
  ramMb: number
  diskMb: number
}

interface QuotaV2 {
  event: 'quotaSaved'
  v: 2
  role: string
  amounts: [disk: number, cpus: number, ram: number]
}

const REGISTRY: EventRegistry = new Map([
  [
    'quotaSaved',
    [
      ({ role, cpus, ramMb, diskMb }: QuotaV1) => ({ role, amounts: [diskMb, cpus, ramMb] }),
      ({ role, amounts: [diskMb, numCpus, ramMb] }: QuotaV2) => ({
        role,
        quota: { resources: [{ diskMb }, { numCpus }, { ramMb }] },
      }),
    ],
  ],
  ['quotaRemoved', []],
  ['made', [() => ({}), (event: { from: string }) => ({ from: event.from.toUpperCase() })]],
])

const amount = fc.nat(9)
const role = fc.constantFrom('a', 'b', 'c')
const stored = fc.oneof(
  fc.record({ role, cpus: amount, ramMb: amount, diskMb: amount }).map((q) => ({ event: 'quotaSaved', v: 1, ...q })),
  fc
    .record({ role, amounts: fc.tuple(amount, amount, amount) })
    .map((fields) => ({ event: 'quotaSaved', v: 2, ...fields })),
  fc.record({ role, disk: amount, cpus: amount, ram: amount }).map(({ role, disk, cpus, ram }) => ({
    event: 'quotaSaved',
    v: 3,
    role,
    quota: { resources: [{ diskMb: disk }, { numCpus: cpus }, { ramMb: ram }] },
  })),
  role.map((each) => ({ event: 'quotaRemoved', v: 1, role: each })),
)

const GENESIS = { lsn: 0, hash: 'ab'.repeat(32), time: 0 }
const IDS = { storeId: 'STORE', writer: 'w', attempt: 'a' }

/** An entry as a build wrote it that had these events. */
function encoded(events: unknown[], lsn = 1) {
  const transactions = [{ id: 't', actor: 'ann', events, results: [] }] as unknown as LoggedTransaction[]
  return encodeEntry({ lsn, time: 1_764_000_000_000 + lsn, prev: 'ab'.repeat(32), transactions }, IDS)
}

function decoded(events: unknown[], registry?: EventRegistry): BorealEvent[] {
  const { item, body } = encoded(events)
  return decodeEntry(item, body, registry).transactions[0]!.events
}

function refusal(events: unknown[], registry?: EventRegistry): unknown {
  try {
    return decoded(events, registry)
  } catch (error) {
    return error
  }
}

describe('an older event', () => {
  test('is read in the current version, by way of every version in between', () => {
    const quota = { resources: [{ diskMb: 3 }, { numCpus: 1 }, { ramMb: 2 }] }
    const current = { event: 'quotaSaved', v: 3, role: 'a', quota }
    const first = { event: 'quotaSaved', v: 1, role: 'a', cpus: 1, ramMb: 2, diskMb: 3 }
    const second = { event: 'quotaSaved', v: 2, role: 'a', amounts: [3, 1, 2] }
    expect(decoded([first, second, current], REGISTRY)).toEqual([current, current, current])
  })

  test('is left as it is by being read', () => {
    const first = Object.freeze({ event: 'quotaSaved', v: 1, role: 'a', cpus: 1, ramMb: 2, diskMb: 3 })
    upcastEvent(first, REGISTRY)
    expect(first).toEqual({ event: 'quotaSaved', v: 1, role: 'a', cpus: 1, ramMb: 2, diskMb: 3 })
  })

  test('gives the same state among newer ones as one that is written anew in the current version', async () => {
    const histories = fc.sample(fc.array(fc.array(stored, { minLength: 1, maxLength: 4 }), { minLength: 6 }), {
      numRuns: 4,
      seed: 11,
    })
    for (const history of histories) {
      const states = []
      for (const events of [history, history.map((each) => each.map((event) => upcastEvent(event, REGISTRY)))]) {
        const entries = events.map((each, index) => {
          const { item, body } = encoded(each, index + 1)
          return { ...decodeEntry(item, body, REGISTRY), hash: 'cd'.repeat(32) }
        })
        const store = await emptyStore({ genesis: async () => GENESIS })
        await store.apply(entries.slice(0, 3))
        await store.apply(entries.slice(3))
        states.push(await stateOf(store))
        await store.engine.kill()
      }
      expect(states[0]).toEqual(states[1])
    }
  })

  test('is covered by the hash of what was stored, not of what is read', () => {
    const { item, body } = encoded([{ event: 'quotaSaved', v: 2, role: 'a', amounts: [3, 1, 2] }])
    verifyItem(item, 'STORE')
    const entry = decodeEntry(item, body, REGISTRY)
    expect(entry.hash).toBe(item.hash)
    const again = encodeEntry({ ...entry }, IDS)
    expect(again.item.bodyHash).not.toBe(item.bodyHash)
    // Damage is reported as damage, although the damaged event could not be upcast either.
    const damaged = Buffer.from(body.map((byte) => (byte === 0x61 ? 0x62 : byte)))
    expect(() => decodeEntry(item, damaged, REGISTRY)).toThrow('its body does not match its checksum')
    expect(() => verifyItem({ ...item, bodyHash: again.item.bodyHash }, 'STORE')).toThrow('do not match its checksum')
  })

  test('in the current version is not even copied', () => {
    const event = { event: 'quotaRemoved', v: 1, role: 'a' }
    expect(upcastEvent(event)).toBe(event)
  })
})

describe('an event that this build cannot read stops it', () => {
  const unreadable = (failure: string, advice: string, more: object) => ({
    name: 'UnreadableEntry',
    code: 'log_corrupt',
    lsn: 1,
    failure,
    message: `log entry 1 cannot be used: ${failure}. ${advice}`,
    ...more,
  })
  const NEWER = 'A newer build wrote it: run that one.'
  const DAMAGED = 'Run `boreal doctor` for the extent of the damage, and what to do.'
  const known = { event: 'quotaRemoved', v: 1, role: 'a' }

  test.each(['made', 'constructor', '__proto__', ''])('when it is of an unknown kind: %j', (kind) => {
    const failure = `its transaction 0 has an event ${JSON.stringify(kind)} (version 4), a kind this build does not know`
    const error = refusal([known, { event: kind, v: 4 }])
    expect(error).toMatchObject(unreadable(failure, NEWER, { kind, version: 4 }))
  })

  test('when it is of a later version', () => {
    const failure = 'its transaction 0 has an event quotaRemoved of version 2, while this build knows versions up to 1'
    const error = refusal([known, { ...known, v: 2 }])
    expect(error).toMatchObject(unreadable(failure, NEWER, { kind: 'quotaRemoved', version: 2 }))
    expect(refusal([{ event: 'quotaSaved', v: 4 }], REGISTRY)).toMatchObject({ kind: 'quotaSaved', version: 4 })
  })

  test.each([0, -1, 1.5, '1', null, undefined])('when its version is none: %j', (v) => {
    const failure = 'its transaction 0 has an event "quotaRemoved" that does not say its version'
    expect(refusal([{ ...known, v }])).toMatchObject(unreadable(failure, DAMAGED, { kind: 'quotaRemoved' }))
  })

  test.each([[null], [7], ['event'], [[]], [{}]])('when it is no event: %j', (event) => {
    const failure = 'its transaction 0 has an event that does not say its kind'
    expect(refusal([event])).toMatchObject(unreadable(failure, DAMAGED, { kind: undefined }))
  })

  test('when it cannot be upcast', () => {
    const failure = /^its transaction 0 has an event made of version 2 that cannot be brought to version 3 \(.+\)$/
    const error = refusal([{ event: 'made', v: 1, from: 'a' }], REGISTRY)
    expect(error).toMatchObject({ code: 'log_corrupt', kind: 'made', version: 1, lsn: 1 })
    expect((error as { failure: string }).failure).toMatch(failure)
  })

  test('when an entry with a right checksum has something else where its events should be', () => {
    const { item, body } = encoded([])
    const wrong = Buffer.from(body.toString().replace('"events":[]', '"events":{}'))
    const sealed = { ...item, bodyHash: createHash('sha256').update(wrong).digest('hex') }
    sealed.hash = hashOfItem(sealed)
    expect(() => decodeEntry(sealed, wrong)).toThrow(/its transaction 0 has no list of events/)
  })
})
