import { valueOfText } from './read-rows.ts'
import type { Column } from './table.ts'

/**
 * Rows as they came off the wire, made into the JSON text that events hold: bytes of cells into bytes of text. By way of strings
 * it costs twice as much, and most of that is garbage: text that grows piece by piece lives long enough to be copied by every
 * collection.
 */

/** A control character needs six bytes in JSON (`\u0001`); no byte needs more. */
const LONGEST_ESCAPE = 6
/** So many digits are below 2^53. */
const EXACT_DIGITS = 15

const QUOTE = 0x22
const BACKSLASH = 0x5c
const SPACE = 0x20
const NULL = Buffer.from('null')

interface JsonField {
  type: Column<object>['type']
  /** The field's name with what is around it, first in its object or not. */
  first: Buffer
  next: Buffer
}

/**
 * The rows as JSON objects with a comma between them, UTF-8. Cells are in the order of the columns, those of the last columns
 * may be missing; fields without a value are left out. What is JSON in the database is taken as it is.
 *
 * @example
 * jsonRows(tasksTable.columns, result.wire).toString() // '{"taskId":"t1","role":"www", … },{ … }'
 */
export function jsonRows(columns: readonly Column<object>[], wires: readonly Buffer[]): Buffer {
  const fields = columns.map(jsonField)
  const around = fields.reduce((sum, field) => sum + (field?.next.length ?? 0) + 2, 4)
  let out: Buffer = Buffer.allocUnsafeSlow(wires.reduce((sum, { length }) => sum + length + around, 0))
  let at = 0
  for (const wire of wires) {
    const most = at + LONGEST_ESCAPE * wire.length + around
    if (most > out.length) out = grown(out, at, most)
    if (at > 0) out[at++] = 0x2c
    at = writeRow(fields, wire, out, at)
  }
  return out.subarray(0, at)
}

function jsonField({ field, type }: Column<object>): JsonField | undefined {
  if (field === undefined) return undefined
  const name = `${JSON.stringify(field)}:`
  return { type, first: Buffer.from(name), next: Buffer.from(`,${name}`) }
}

function grown(out: Buffer, used: number, least: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(least, 2 * out.length))
  out.copy(larger, 0, 0, used)
  return larger
}

/** Gives where it ends. */
function writeRow(fields: readonly (JsonField | undefined)[], wire: Buffer, out: Buffer, start: number): number {
  let at = start
  out[at++] = 0x7b
  const cells = wire.readInt16BE(0)
  let from = 2
  for (let index = 0; index < cells; index++) {
    const length = wire.readInt32BE(from)
    from += 4
    if (length < 0) continue
    const to = from + length
    const field = fields[index]
    if (field !== undefined && !isJsonNull(field, wire, from, to)) {
      const name = at === start + 1 ? field.first : field.next
      at = writeValue(field.type, wire, from, to, out, copyBytes(name, 0, name.length, out, at))
    }
    from = to
  }
  out[at++] = 0x7d
  return at
}

function isJsonNull({ type }: JsonField, wire: Buffer, from: number, to: number): boolean {
  return type === 'json' && to - from === NULL.length && wire.compare(NULL, 0, NULL.length, from, to) === 0
}

function writeValue(type: JsonField['type'], wire: Buffer, from: number, to: number, out: Buffer, at: number): number {
  if (type === 'text') return writeText(wire, from, to, out, at)
  const isJson = type === 'json' || type === 'int4' || (type === 'int8' && to - from <= EXACT_DIGITS)
  if (isJson) return copyBytes(wire, from, to, out, at)
  return at + out.write(JSON.stringify(valueOfText(type, wire.toString('latin1', from, to))), at)
}

function writeText(wire: Buffer, from: number, to: number, out: Buffer, start: number): number {
  let at = start
  out[at++] = QUOTE
  for (let index = from; index < to; index++) {
    const byte = wire[index]!
    if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) {
      return start + out.write(JSON.stringify(wire.toString('utf8', from, to)), start)
    }
    out[at++] = byte
  }
  out[at++] = QUOTE
  return at
}

/** From so many bytes on a call costs less than a loop. */
const LONG = 64

function copyBytes(source: Buffer, from: number, to: number, out: Buffer, start: number): number {
  if (to - from >= LONG) return start + source.copy(out, start, from, to)
  let at = start
  for (let index = from; index < to; index++) out[at++] = source[index]!
  return at
}
