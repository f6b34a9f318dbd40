import { createHash } from 'node:crypto'
import { BorealError } from '../model/errors.ts'

/**
 * Cursors: opaque, and bound to the store and the query they came from. A page goes on after a key of the table, so a
 * cursor stays right while rows come and go, and holds no state of a server. One of another store is told apart from one
 * of another query: its place means nothing here, and there is nothing that the client did wrong.
 */
export class Cursors {
  readonly #store: string
  readonly #query: string

  /** @param query everything that the pages have in common: route and filters, not limit and consistency. */
  constructor(storeId: string, query: unknown) {
    this.#store = hashed(storeId)
    this.#query = hashed(query)
  }

  encode(key: string): string {
    return Buffer.from(JSON.stringify([this.#store, this.#query, key])).toString('base64url')
  }

  /** The key to go on after. @throws BorealError `invalid_cursor`, `store_changed` */
  decode(cursor: string | undefined): string | undefined {
    if (cursor === undefined) return undefined
    const [store, query, key] = parse(cursor)
    const isOurs = query === this.#query && typeof key === 'string' && key.isWellFormed() && !key.includes('\0')
    if (isOurs && store === this.#store) return key
    if (isOurs && typeof store === 'string' && store.length === HASH_LENGTH) {
      throw new BorealError(
        'store_changed',
        'this cursor is of another store: the one that was here was cloned or restored. Read the list again from its start',
      )
    }
    throw new BorealError(
      'invalid_cursor',
      'this cursor does not belong to this query of this store; start without one',
    )
  }
}

const HASH_LENGTH = 12

function hashed(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, HASH_LENGTH)
}

function parse(cursor: string): [unknown, unknown, unknown] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    return Array.isArray(value) ? [value[0], value[1], value[2]] : [undefined, undefined, undefined]
  } catch {
    return [undefined, undefined, undefined]
  }
}
