import * as z from 'zod'

/**
 * The scalar types of the wire, and how they are normalized.
 *
 * Parsing is also normalizing: what comes out of a schema is canonical (int64 as a number where it is exact, sets
 * sorted and without duplicates, maps by key, fields in schema order). So equal values have equal JSON text, which is
 * what content hashes, request hashes and replay rely on.
 */

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** Names and ids are limited in bytes, because they are keys of B-trees (a page holds about 2,700 bytes of key). */
export const MAX_NAME_BYTES = 255

const wellFormed = (value: string) => value.isWellFormed() && !value.includes('\u0000')
const WELL_FORMED = 'must be valid Unicode without NUL or lone surrogates'

/** Any text that Postgres can hold: valid Unicode without NUL. */
export const text = z.string().refine(wellFormed, WELL_FORMED)

/** A name or id: 1 to 255 bytes of UTF-8. */
export const name = z
  .string()
  .min(1)
  .refine(wellFormed, WELL_FORMED)
  .refine((value) => Buffer.byteLength(value) <= MAX_NAME_BYTES, `must have at most ${MAX_NAME_BYTES} bytes`)

/** Role, environment and job name: Aurora's identifier rule. */
export const identifier = z
  .string()
  .regex(/^[A-Za-z0-9._-]+$/, 'must be one or more of A-Z a-z 0-9 . _ -')
  .refine((value) => value.length <= MAX_NAME_BYTES, `must have at most ${MAX_NAME_BYTES} bytes`)

/** The canonical form of an int64: a number where that is exact, a decimal string beyond. */
export function normalizeInt64(value: number | string): number | string {
  const exact = BigInt(value)
  const number = Number(exact)
  return Number.isSafeInteger(number) ? number : exact.toString()
}

const decimalString = z
  .string()
  .regex(/^-?\d{1,19}$/, { error: 'must be an integer', abort: true })
  .refine((value) => BigInt(value) >= INT64_MIN && BigInt(value) <= INT64_MAX, 'is outside the range of int64')

/**
 * int64. JSON numbers are taken up to ±(2^53−1); beyond that a decimal string is needed, because a JSON number would
 * already have lost digits when it reaches us.
 */
export const int64 = z
  .union([z.int(), decimalString], 'must be an integer up to ±(2^53−1), or a decimal string within int64')
  .overwrite(normalizeInt64)

/** int64 ≥ 0, for sizes. */
export const size64 = int64.refine((value) => BigInt(value) >= 0n, 'must not be negative')

export const int32 = z.int32()

/** A finite number ≥ 0. */
export const amount = z.number().nonnegative()

/** A log sequence number. */
export const lsn = z.int().nonnegative()

/** A set: an array without duplicates in canonical order. */
export function setOf<T extends z.ZodType>(item: T) {
  return z.array(item).overwrite((items) => {
    if (items.length < 2) return items
    const byText = new Map(items.map((value) => [JSON.stringify(value), value]))
    return [...byText.keys()].sort().map((key) => byText.get(key)!)
  })
}

/** A map with text keys, in key order. */
export function mapOf<T extends z.ZodType>(value: T) {
  return z.record(name, value).overwrite((map) => {
    const keys = Object.keys(map)
    if (keys.length < 2) return map
    return Object.fromEntries(keys.sort().map((key) => [key, map[key]])) as typeof map
  })
}

/** An object that has exactly one of the fields of `shape` (a Thrift union). */
export function oneOf<S extends z.ZodRawShape>(shape: S) {
  const names = Object.keys(shape).join(', ')
  return z
    .strictObject(shape)
    .partial()
    .refine((value) => Object.values(value).filter((field) => field !== undefined).length === 1, {
      message: `must have exactly one of ${names}`,
    })
}
