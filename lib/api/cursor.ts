import { createHash } from 'node:crypto'
import { BorealError } from '../model/errors.ts'

/**
 * Cursors: opaque, and bound to the store and the query they came from. A page goes on after a key of the table, so a
 * cursor stays right while rows come and go, and holds no state of a server.
 */
export class Cursors {
  readonly #binding: string

  /** @param query everything that the pages have in common: route and filters, not limit and consistency. */
  constructor(storeId: string, query: unknown) {
    this.#binding = createHash('sha256')
      .update(JSON.stringify([storeId, query]))
      .digest('base64url')
      .slice(0, 12)
  }

  encode(key: string): string {
    return Buffer.from(JSON.stringify([this.#binding, key])).toString('base64url')
  }

  /** The key to go on after. @throws BorealError `invalid_cursor` */
  decode(cursor: string | undefined): string | undefined {
    if (cursor === undefined) return undefined
    const [binding, key] = parse(cursor)
    if (typeof key === 'string' && binding === this.#binding && key.isWellFormed() && !key.includes('\0')) return key
    throw new BorealError(
      'invalid_cursor',
      'this cursor does not belong to this query of this store; start without one',
    )
  }
}

function parse(cursor: string): [unknown, unknown] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(value) ? [value[0], value[1]] : [undefined, undefined]
  } catch {
    return [undefined, undefined]
  }
}
