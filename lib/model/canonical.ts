import { hash } from 'node:crypto'

/**
 * Content identity. Values that came out of a schema are canonical (see scalars.ts), so their JSON text identifies them.
 */

/** SHA-256 of the value's JSON text, in hex (64 characters). */
export function contentHash(value: unknown): string {
  return hashOfText(JSON.stringify(value))
}

/** SHA-256 of a text, in hex. */
export function hashOfText(text: string): string {
  return hash('sha256', text)
}
