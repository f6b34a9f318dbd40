import { expect, test } from 'vitest'
import { hashOfItem } from '../../lib/log/entry-codec.ts'
import { type ExportedSlot, importSlot } from '../../lib/log/export-format.ts'
import { following, leading, type Mangle, manglingProxy } from '../support/log-streams.ts'
import { as, request, saveQuota } from '../support/requests.ts'

/** Whatever is pushed is believed only if the log could have said it. */

/** Changes the slots that are sent. */
const slots =
  (change: (slot: ExportedSlot) => ExportedSlot | undefined): Mangle =>
  (line) => {
    if (!line.startsWith('{"slot"')) return line
    const changed = change(JSON.parse(line).slot)
    return changed && JSON.stringify({ slot: changed })
  }

/** An item that is sound by itself. */
const sealed = (slot: ExportedSlot): ExportedSlot => ({ ...slot, hash: hashOfItem(importSlot(slot).item) })

const flipped = (body: string) => {
  const bytes = Buffer.from(body, 'base64')
  bytes[10]! ^= 1
  return bytes.toString('base64')
}

const cases: Record<string, { mangle: Mangle; reason: RegExp; term?: number }> = {
  'a body of which a bit is another': {
    mangle: slots((slot) => ({ ...slot, body: flipped(slot.body!) })),
    reason: /entry 1 cannot be used: its body does not match its checksum/,
  },
  'an attribute that is another': {
    mangle: slots((slot) => ({ ...slot, time: slot.time + 1 })),
    reason: /entry 1 cannot be used: its attributes do not match/,
  },
  'an entry that follows something else': {
    mangle: slots((slot) => sealed({ ...slot, prev: '0'.repeat(64) })),
    reason: /entry 1 cannot be used: it does not follow the entry at 0/,
  },
  'an entry of another store': {
    mangle: slots((slot) => sealed({ ...slot, storeId: 'other' })),
    reason: /entry 1 cannot be used: it belongs to another store/,
  },
  'an entry of a later format': {
    mangle: slots((slot) => sealed({ ...slot, format: 2 })),
    reason: /entry 1 cannot be used: its format 2 is unknown/,
  },
  'a gap': {
    mangle: slots((slot) => (slot.lsn === 1 ? undefined : slot)),
    reason: /entry 1 cannot be used: it is missing, the next one present is 2/,
  },
  'a leader that speaks of another store': {
    mangle: (line) => line.replace(/^(\{"boreal".*"storeId":")[^"]*/, '$1other'),
    reason: /it is of another store, other/,
  },
  'a leader of an earlier term': {
    mangle: (line) => line,
    reason: /it is of term 0, while this node knows 3/,
    term: 3,
  },
  'a leader whose term is over': {
    mangle: (line) => (line.startsWith('{"boreal"') ? line.replace('"term":0', '"term":3') : line),
    reason: /it is of term 0, while this node knows 3/,
    term: 3,
  },
  'no JSON': { mangle: slots(() => undefined as never), reason: /does not understand/ },
  'another protocol': {
    mangle: (line) => line.replace('"format":1,"storeId"', '"format":2,"storeId"'),
    reason: /does not understand/,
  },
  'a line without an end': { mangle: () => 'x'.repeat(2_000_000), reason: /does not understand|characters/ },
}
cases['no JSON']!.mangle = (line) => (line.startsWith('{"slot"') ? line.slice(0, -20) : line)

for (const [what, { mangle, reason, term = 0 }] of Object.entries(cases)) {
  test(`${what} ends the stream, which is said once, and the log is read instead`, async () => {
    const leader = await leading()
    const proxy = await manglingProxy(leader.url, mangle)
    const follower = await following(leader, proxy, { term: () => term })
    if (!/leader|protocol|without an end/.test(what)) {
      await expect.poll(async () => (await follower.node.status()).follows?.pushed).toBe(true)
    }
    await Promise.all([1, 2, 3].map((cpus) => leader.node.submit(request([saveQuota(`role${cpus}`, cpus)]), as('p'))))
    await leader.node.submit(request([saveQuota('last')]), as('p'))
    const { lsn, digest } = await leader.node.digest()
    await expect.poll(async () => (await follower.node.status()).appliedLsn).toBe(lsn)
    // Who connects after the writes is too far behind at first, since nothing was kept for it.
    const said = () => follower.warnings.map(({ fields }) => fields?.reason)
    const reasonsNow = () => said().filter((reason) => reason !== 'this node is too far behind')
    await expect.poll(() => reasonsNow().length).toBeGreaterThan(0)
    expect((await follower.node.digest()).digest).toBe(digest)
    const reasons = reasonsNow()
    expect(reasons[0]).toMatch(reason)
    expect(new Set(reasons).size).toBe(reasons.length)
  })
}
