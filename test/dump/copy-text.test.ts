import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { copyText } from '../../lib/dump/copy-text.ts'
import type { PgliteEngine } from '../../lib/store/engine.ts'
import { BEGIN, ROLLBACK, statement } from '../../lib/store/statement.ts'
import { AWKWARD, freshEngine } from '../support/dumps.ts'

/** What a database gives, it gets back through the text of COPY: every character, every type, NULL. */

let engine: PgliteEngine

beforeAll(async () => {
  engine = await freshEngine()
})

afterAll(() => engine.kill())

/** A text that Postgres can hold: no NUL. Often with what COPY gives a meaning to. */
const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('\\', 'N', '.', '\n', '\r', '\t', '\b', '\f', '\v', 'x', '0', '\u0001', '\u007f'),
    }),
    fc.constantFrom('', '\\N', '\\.', '\n\\.\n', 'NULL', AWKWARD),
  )
  .map((value) => value.replaceAll('\0', ''))

const row = fc.tuple(
  fc.option(text),
  fc.option(fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? '-0' : String(number)))),
  fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  fc.option(fc.uint8Array({ maxLength: 20 }).map((bytes) => `\\x${Buffer.from(bytes).toString('hex')}`)),
  fc.option(text.map((value) => JSON.stringify({ [value]: [value] }))),
)

test('rows come back as they were', { timeout: 60_000 }, async () => {
  const columns = 'a text, b double precision, c bigint, d bytea, e json'
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      const read = (table: string) => statement(`select a, b, c, d, e from ${table} order by n`)
      await engine.run([BEGIN])
      try {
        await engine.run([
          statement(`create table one (n int, ${columns})`),
          statement(`create table other (n serial, ${columns})`),
          ...rows.map((values, n) => statement('insert into one values ($1, $2, $3, $4, $5, $6)', n, ...values)),
        ])
        const [before] = await engine.run([read('one')])
        expect(before!.rows[0]![0]?.toString()).toBe(rows[0]![0] ?? undefined)
        const copy = copyText(before!.rows)
        await engine.run([{ ...statement('copy other (a, b, c, d, e) from stdin'), copy }])
        const [after] = await engine.run([read('other')])
        expect(after!.rows).toEqual(before!.rows)
      } finally {
        await engine.run([ROLLBACK])
      }
    }),
    { numRuns: 150, seed: Number(process.env.SEED ?? 3) },
  )
})
