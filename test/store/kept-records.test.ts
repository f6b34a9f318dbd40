import { expect, test } from 'vitest'
import { KeptRecords, recordOrKnown } from '../../lib/store/kept-records.ts'
import { Result } from '../../lib/store/result-set.ts'

const record = (version: number, text = 'text') => ({
  version,
  bytes: Buffer.from(new TextEncoder().encode(text).buffer),
})

/** About this much is for the entry itself. */
const ENTRY = 200

test('a later version takes the place of an earlier one, and never the other way round', () => {
  const records = new KeptRecords(10_000)
  records.keep('k', record(5, 'five'))
  records.keep('k', record(7, 'seven'))
  records.keep('k', record(6, 'six, from a reader that is behind'))
  expect(records.get('k')).toEqual(record(7, 'seven'))
  expect(records.get('other')).toBeUndefined()
})

test('texts never take more memory than they may, and those not read for longest go', () => {
  const most = 10 * (2_000 + ENTRY)
  const records = new KeptRecords(most)
  for (let number = 0; number < 100; number++) {
    records.keep(`k${number}`, record(1, 'é'.repeat(1_000)))
    expect(records.get('k0'), `after ${number}`).toBeDefined()
    expect(records.bytes).toBeLessThanOrEqual(most)
  }
  expect(records.bytes).toBeGreaterThan(most / 2)
  expect(records.get('k1')).toBeUndefined()
  expect(records.get('k99')).toBeDefined()
})

test('a version that is replaced gives its memory back', () => {
  const records = new KeptRecords(10_000)
  records.keep('k', record(1, 'x'.repeat(4_000)))
  const { bytes } = records
  for (let version = 2; version < 50; version++) records.keep('k', record(version, 'x'.repeat(4_000)))
  expect(records.bytes).toBe(bytes)
  expect(records.get('k')?.version).toBe(49)
})

test('a record larger than all the memory is not kept and drives nothing out; without memory nothing is kept', () => {
  const records = new KeptRecords(10_000)
  records.keep('k', record(1))
  records.keep('other', record(1))
  records.keep('k', record(2, 'x'.repeat(10_000)))
  expect(records.get('k')).toBeUndefined()
  expect(records.get('other')).toEqual(record(1))
  const none = new KeptRecords(0)
  none.keep('k', record(1))
  expect(none.get('k')).toBeUndefined()
})

test('what is kept of a small part of a large message is the part alone', () => {
  const cells = ['k', '{}', '7']
  const row = Buffer.concat([
    Buffer.from([0, 3]),
    ...cells.flatMap((cell) => [Buffer.from([0, 0, 0, cell.length]), Buffer.from(cell)]),
  ])
  const message = Buffer.alloc(1_000_000)
  row.copy(message)
  const record = recordOrKnown(new Result([message.subarray(0, row.byteLength)]), undefined)!
  expect({ ...record, bytes: String(record.bytes) }).toEqual({ version: 7, bytes: '{}' })
  expect(record.bytes.buffer.byteLength).toBe(2)
})
