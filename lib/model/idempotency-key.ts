import { hash } from 'node:crypto'
import { decodeTime } from 'ulid'
import * as z from 'zod'

/** A client's idempotency key: 1 to 128 visible ASCII characters, scoped by principal. */
export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters')

/** What the store keeps of a key: the first 16 bytes of SHA-256 over principal and key, hex. */
export function hashOfKey(principal: string, key: string): string {
  return hash('sha256', `${principal}\0${key}`).slice(0, 32)
}

/** The bytes that a hash stands for. */
export function bytesOfHash(hash: string): Uint8Array {
  return Buffer.from(hash, 'hex')
}

/**
 * The time that a key carries, in ms; `undefined` for keys without one. UUIDv7 (RFC 9562 §5.7) and ULID are
 * recognized: for these an expired key can be told from a new one, so it is refused instead of executed again.
 */
export function timeOfKey(key: string): number | undefined {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(key)) {
    return Number.parseInt(key.slice(0, 8) + key.slice(9, 13), 16)
  }
  if (/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/i.test(key)) return decodeTime(key.toUpperCase())
  return undefined
}
