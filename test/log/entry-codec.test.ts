import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { verifyItem } from '../../lib/log/chain.ts'
import { itemOf, type LogAttributes, toAttributes } from '../../lib/log/dynamo-item.ts'
import type { LoggedTransaction } from '../../lib/log/entry.ts'
import { decodeEntry, type EncodedEntry, encodeEntry, genesisItem } from '../../lib/log/entry-codec.ts'
import { currentVersion, EVENT_REGISTRY } from '../../lib/model/event-registry.ts'
import { incompressible, transaction } from './log-bed.ts'

const STORE = '01HZZZZZZZZZZZZZZZZZZZZZZZ'

/** Every kind of character, halves of surrogate pairs among them. */
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\ud800', 'a\udfffb', '\u0000', '\u2028', '"\\', '😀'),
)

/** Any data as JSON has it (which has no -0). */
const data = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown)

/** Events of every kind with any fields, in the version that is not upcast. */
const event = fc
  .record({ kind: fc.constantFrom(...EVENT_REGISTRY.keys()), fields: fc.dictionary(text, data) })
  .map(({ kind, fields }) => ({ ...fields, event: kind, v: currentVersion(EVENT_REGISTRY, kind)! }))
const events = fc.array(event, { maxLength: 5 })

const transactions = fc.array(
  fc.record(
    { id: text, actor: text, key: text, principal: text, request: text, reason: text, events, results: data },
    { requiredKeys: ['id', 'actor', 'events', 'results'] },
  ),
  { maxLength: 5 },
) as unknown as fc.Arbitrary<LoggedTransaction[]>

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const ulid = fc.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)

const encoded: fc.Arbitrary<EncodedEntry> = fc
  .record({
    draft: fc.record({
      lsn: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      time: fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
      prev: hash,
      transactions,
    }),
    ids: fc.record({ storeId: ulid, writer: ulid, attempt: ulid }),
  })
  .map(({ draft, ids }) => encodeEntry(draft, ids))

function large(): EncodedEntry {
  const draft = { lsn: 7, time: 1, prev: 'ab'.repeat(32), transactions: [transaction('t', incompressible(400_000))] }
  return encodeEntry(draft, { storeId: STORE, writer: 'w', attempt: 'a' })
}

/** What a reader does with a stored item. */
function read(attributes: LogAttributes, storeId: string, body?: Uint8Array) {
  const item = itemOf(attributes, storeId)
  verifyItem(item, storeId)
  return decodeEntry(item, body ?? item.body ?? new Uint8Array())
}

/** The value with one bit of it flipped; `undefined` when it still says the same (a number's " 0" for "0"). */
function flipped(value: AttributeValue, bit: number): AttributeValue | undefined {
  const flip = (bytes: Uint8Array) => {
    const copy = Buffer.from(bytes)
    if (copy.length === 0) return undefined
    copy[(bit >> 3) % copy.length]! ^= 1 << (bit & 7)
    return copy
  }
  if (value.B !== undefined) {
    const bytes = flip(value.B)
    return bytes === undefined ? undefined : { B: bytes }
  }
  const [type, string] = value.S === undefined ? (['N', value.N!] as const) : (['S', value.S] as const)
  const changed = flip(Buffer.from(string))?.toString('utf8')
  if (changed === undefined || (type === 'N' && Number(changed) === Number(string))) return undefined
  return { [type]: changed } as unknown as AttributeValue
}

describe('an entry', () => {
  test('is read as it was written, whatever is in it', () => {
    fc.assert(
      fc.property(encoded, transactions, ({ item, body }, written) => {
        const { lsn, time, prev, storeId, writer, attempt } = item
        const again = encodeEntry({ lsn, time, prev, transactions: written }, { storeId, writer, attempt })
        verifyItem(again.item, storeId)
        const expected = { lsn, time, prev, writer, attempt, hash: again.item.hash, bytes: again.body.byteLength }
        expect(decodeEntry(again.item, again.body)).toEqual({ ...expected, transactions: written })
        if (Buffer.compare(again.body, body) !== 0) expect(again.item.hash).not.toBe(item.hash)
      }),
      { numRuns: 300 },
    )
  })

  test('survives its way through the attributes of DynamoDB', () => {
    fc.assert(
      fc.property(encoded, ({ item, body }) => {
        expect(itemOf(toAttributes(item), item.storeId)).toEqual(item)
        expect(read(toAttributes(item), item.storeId)).toEqual(decodeEntry(item, body))
      }),
      { numRuns: 200 },
    )
    for (const item of [large().item, genesisItem(STORE, 12)]) expect(itemOf(toAttributes(item), STORE)).toEqual(item)
  })

  test('is refused with any bit of its attributes or its body flipped', () => {
    fc.assert(
      fc.property(encoded, fc.nat(), fc.nat(), ({ item }, which, bit) => {
        const attributes = toAttributes(item)
        // `pk` is not read: an item under another partition key is missing, which density shows.
        const names = Object.keys(attributes).filter((name) => name !== 'pk')
        const name = names[which % names.length]!
        const damage = flipped(attributes[name]!, bit)
        fc.pre(damage !== undefined)
        expect(() => read({ ...attributes, [name]: damage! }, item.storeId), name).toThrow(
          /^log entry .+ cannot be used/,
        )
      }),
      { numRuns: 1_500 },
    )
  })

  test('is refused with any bit flipped that names its large body, or of that', () => {
    const { item, body } = large()
    const attributes = toAttributes(item)
    expect(read(attributes, STORE, body).transactions).toHaveLength(1)
    const bits = Buffer.byteLength(item.bodyKey!) * 8
    for (let bit = 0; bit < bits; bit++) {
      const bodyKey = flipped(attributes.bodyKey!, bit)!
      expect(() => read({ ...attributes, bodyKey }, STORE, body)).toThrow('do not match its checksum')
    }
    fc.assert(
      fc.property(fc.nat(body.byteLength * 8 - 1), (bit) => {
        const damaged = (flipped({ B: body }, bit) as AttributeValue.BMember).B
        expect(() => read(attributes, STORE, damaged)).toThrow('its body does not match its checksum')
      }),
      { numRuns: 100 },
    )
  })

  test('is refused without any one of its attributes', () => {
    const draft = { lsn: 7, time: 1, prev: 'ab'.repeat(32), transactions: [transaction('t')] }
    const { item } = encodeEntry(draft, { storeId: STORE, writer: 'w', attempt: 'a' })
    const attributes = toAttributes(item)
    for (const name of Object.keys(attributes)) {
      // The partition key names the store too.
      if (name === 'pk' || name === 'store') continue
      const { [name]: _, ...rest } = attributes
      expect(() => read(rest, STORE), name).toThrow(/cannot be used/)
    }
  })

  test('is compressed when that is worth it, and moves beside the table when it is too large for an item', () => {
    const encode = (reason: string) => {
      const transactions = [transaction('t', reason)]
      return encodeEntry({ lsn: 7, time: 1, prev: 'ab', transactions }, { storeId: STORE, writer: 'w', attempt: 'a' })
    }
    expect(encode('').item.codec).toBe('json')
    expect(encode('x'.repeat(1_000_000))).toMatchObject({ item: { codec: 'deflate', body: expect.any(Uint8Array) } })
    expect(encode('x'.repeat(1_000_000)).body.byteLength).toBeLessThan(10_000)
    const key = `${STORE}/bodies/0000000000000007-a`
    const { item } = encode(incompressible(400_000))
    expect(item).toMatchObject({ codec: 'deflate', bodyKey: key })
    expect(item.body).toBeUndefined()
    expect(item.bodyBytes).toBeGreaterThan(350 * 1_024)
  })

  test('has a hash that depends on nothing but its content', () => {
    const draft = { lsn: 7, time: 1_764_000_000_000, prev: 'ab'.repeat(32), transactions: [transaction('t')] }
    const { item } = encodeEntry(draft, { storeId: STORE, writer: 'w', attempt: 'a' })
    // Written once and never changed: a build that gives another hash cannot read the logs that there are.
    expect(item.hash).toBe('d9d30d666f91179176f3dbfd33a6d678ddebe786ae5871cbb5994a1321ed79d7')
    expect(genesisItem(STORE, 12).hash).toBe('93ceb56575c34b4bded12a00c34abeacdc8b0442d759f6c337b16c05382e8478')
  })
})
