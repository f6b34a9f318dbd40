import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonRows } from '../../lib/store/json-rows.ts'
import type { Column, ColumnType } from '../../lib/store/table.ts'

function column(type: ColumnType, field?: string): Column<object> {
  return { name: `c_${type}`, type, ...(field === undefined ? {} : { field }), value: () => null }
}

const COLUMNS = [
  column('text', 'text'),
  column('json', 'some "json"'),
  column('int4'),
  column('int4', 'int4'),
  column('int8', 'int8'),
  column('float8', 'float8'),
  column('int8', 'notRead'),
]

/** A row as it comes off the wire. */
function wireOf(cells: (string | null)[]): Buffer {
  const parts = cells.flatMap((cell) => {
    const bytes = Buffer.from(cell ?? '')
    const length = Buffer.alloc(4)
    length.writeInt32BE(cell === null ? -1 : bytes.length)
    return [length, bytes]
  })
  return Buffer.concat([Buffer.from([0, cells.length]), ...parts])
}

/** Text that a database can have: no zero, no half of a pair. */
const text = fc
  .oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.constantFrom('', '"', '\\', '\x01\x1f\x7f', 'é😀\u2028'))
  .map((each) => each.replaceAll('\0', ''))
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null })

const row = fc.record({
  text: orNull(text),
  json: orNull(fc.jsonValue()),
  int4: orNull(fc.integer()),
  int8: orNull(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  float8: orNull(fc.double({ noNaN: true, noDefaultInfinity: true })),
})

test('rows off the wire become the JSON of what their cells hold: null is left out, what is no exact number stays digits', () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
      const wires = rows.map(({ text, json, int4, int8, float8 }) =>
        wireOf([text, json === null ? null : JSON.stringify(json), '7', ...[int4, int8, float8].map(digitsOf)]),
      )
      const expected = rows.map(({ text, json, int4, int8, float8 }) => {
        const exact = int8 !== null && Number.isSafeInteger(Number(int8)) ? Number(int8) : int8?.toString()
        // What JSON cannot tell from zero is zero.
        return withoutNull({ text, 'some "json"': json, int4, int8: exact ?? null, float8: float8 === 0 ? 0 : float8 })
      })
      const read = JSON.parse(`[${jsonRows(COLUMNS, wires).toString('utf8')}]`) as unknown[]
      expect(read).toEqual(JSON.parse(JSON.stringify(expected)))
      // In the order of the columns.
      expect(read.map((each) => Object.keys(each as object))).toEqual(expected.map((each) => Object.keys(each)))
    }),
    { numRuns: 300 },
  )
})

test('rows that grow sixfold have room', () => {
  const control = '\x01'.repeat(10_000)
  const json = jsonRows(COLUMNS, [wireOf([control]), wireOf([control])]).toString('utf8')
  expect(JSON.parse(`[${json}]`)).toEqual([{ text: control }, { text: control }])
})

function digitsOf(value: number | bigint | null): string | null {
  return value === null ? null : String(value)
}

function withoutNull(row: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null))
}
