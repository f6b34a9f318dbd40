import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ElementType } from '../../lib/store/binary-array.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { arrayParam } from '../../lib/store/statement.ts'
import { testImage } from '../support/image.ts'

/** Small arrays go as text and large ones as bytes: the database must see the same in both. */

let engine: PgliteEngine
beforeAll(async () => {
  engine = await PgliteEngine.bootImage(await testImage())
})
afterAll(() => engine.kill())

/** The elements as the database has them, as text. */
async function elements(type: ElementType, values: unknown[]): Promise<unknown> {
  const sql = `select coalesce(json_agg(each::text order by place), '[]') from unnest($1::${type}[]) with ordinality as of(each, place)`
  return jsonOf((await engine.run([{ sql, params: [arrayParam(type, values)] }]))[0])
}

const unicode = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', ''))
const special = fc.string({
  unit: fc.constantFrom('"', '\\', '{', '}', ',', 'é', '€', '😀', ' ', '\n', '\u0001', 'NULL'),
})
const sizes = { minLength: 0, maxLength: 40 }

const KINDS: { type: ElementType; value: fc.Arbitrary<unknown>; text?: (value: never) => string }[] = [
  { type: 'text', value: fc.oneof(unicode, special, fc.string()) },
  { type: 'json', value: fc.json({ maxDepth: 2 }).filter((json) => !json.includes('\\u0000')) },
  { type: 'int4', value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
  {
    type: 'int8',
    value: fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  },
  { type: 'float8', value: fc.double({ noDefaultInfinity: true, noNaN: true }) },
  { type: 'bytea', value: fc.uint8Array(), text: (bytes: Uint8Array) => `\\x${Buffer.from(bytes).toString('hex')}` },
]

test.each(KINDS)('an array of $type reaches the database as it was given', async ({ type, value, text = String }) => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(value), sizes), async (values) => {
      const found = (await elements(type, values)) as (string | null)[]
      const seen = type === 'float8' ? found.map((each) => each && String(Number(each))) : found
      const given = values.map((each) => (each === null ? null : text(each as never)))
      expect(seen).toEqual(type === 'float8' ? given.map((each) => each && String(Number(each))) : given)
    }),
    { numRuns: 60 },
  )
})
