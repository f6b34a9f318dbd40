/**
 * Arrays in the binary form of the wire protocol (Postgres: array_recv). Against an array literal it saves quoting here,
 * and taking the quotes off there, which for text that is full of quotes, such as JSON, costs as much as the row itself.
 */

/** Element types by their OID (Postgres: pg_type.dat). */
const OIDS = { bytea: 17, int8: 20, int4: 23, text: 25, json: 114, float8: 701 } as const

export type ElementType = keyof typeof OIDS

const HEADER_BYTES = 20
const NULL_LENGTH = -1

/** An array of a type: numbers for `int4` and `float8`, numbers or digits for `int8`, bytes for `bytea`, otherwise text. */
export function binaryArray(type: ElementType, values: readonly unknown[]): Uint8Array {
  switch (type) {
    case 'int4':
      return fixed(type, values, 4, (buffer, value, at) => buffer.writeInt32BE(value as number, at))
    case 'int8':
      return fixed(type, values, 8, writeInt64)
    case 'float8':
      return fixed(type, values, 8, (buffer, value, at) => buffer.writeDoubleBE(value as number, at))
    case 'bytea':
      return bytes(values as readonly (Uint8Array | null)[])
    default:
      return texts(type, values as readonly (string | null | undefined)[])
  }
}

function header(buffer: Buffer, type: ElementType, count: number, hasNull: boolean): void {
  buffer.writeInt32BE(1, 0)
  buffer.writeInt32BE(hasNull ? 1 : 0, 4)
  buffer.writeInt32BE(OIDS[type], 8)
  buffer.writeInt32BE(count, 12)
  buffer.writeInt32BE(1, 16)
}

function fixed(
  type: ElementType,
  values: readonly unknown[],
  width: number,
  write: (buffer: Buffer, value: unknown, at: number) => void,
): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(HEADER_BYTES + values.length * (4 + width))
  let at = HEADER_BYTES
  for (const value of values) {
    const isNull = value === null || value === undefined
    buffer.writeInt32BE(isNull ? NULL_LENGTH : width, at)
    at += 4
    if (isNull) continue
    write(buffer, value, at)
    at += width
  }
  header(buffer, type, values.length, at < buffer.byteLength)
  return buffer.subarray(0, at)
}

function writeInt64(buffer: Buffer, value: unknown, at: number): void {
  if (typeof value !== 'number') {
    buffer.writeBigInt64BE(BigInt(value as string), at)
    return
  }
  buffer.writeInt32BE(Math.floor(value / 2 ** 32), at)
  buffer.writeUInt32BE(value >>> 0, at + 4)
}

/** A place for a length that is written later. */
const LENGTH = '\0\0\0\0'

function texts(type: ElementType, values: readonly (string | null | undefined)[]): Uint8Array {
  let all = ''
  let hasNull = false
  for (const value of values) {
    all += LENGTH
    if (value === null || value === undefined) hasNull = true
    else all += value
  }
  const size = Buffer.byteLength(all)
  const buffer = Buffer.allocUnsafeSlow(HEADER_BYTES + size)
  // As one string: what is written piece by piece costs more for being called than for being written.
  const isAscii = size === all.length
  buffer.write(all, HEADER_BYTES, isAscii ? 'latin1' : 'utf8')
  let at = HEADER_BYTES
  for (const value of values) {
    if (value === null || value === undefined) {
      buffer.writeInt32BE(NULL_LENGTH, at)
      at += 4
    } else {
      const length = isAscii ? value.length : Buffer.byteLength(value)
      buffer.writeInt32BE(length, at)
      at += 4 + length
    }
  }
  header(buffer, type, values.length, hasNull)
  return buffer
}

function bytes(values: readonly (Uint8Array | null)[]): Uint8Array {
  const size = values.reduce((sum, value) => sum + 4 + (value?.byteLength ?? 0), 0)
  const buffer = Buffer.allocUnsafeSlow(HEADER_BYTES + size)
  let at = HEADER_BYTES
  let hasNull = false
  for (const value of values) {
    buffer.writeInt32BE(value === null ? NULL_LENGTH : value.byteLength, at)
    at += 4
    if (value === null) hasNull = true
    else {
      buffer.set(value, at)
      at += value.byteLength
    }
  }
  header(buffer, 'bytea', values.length, hasNull)
  return buffer
}
