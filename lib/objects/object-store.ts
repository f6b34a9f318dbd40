import { BorealError } from '../model/errors.ts'

/**
 * The port of the object store: whole objects under keys, with conditional writes.
 *
 * Keys are paths of segments of `A-Z a-z 0-9 . _ = -`; no key is a folder of another. What `put` resolves has is
 * durable. A failed condition is `precondition_failed`, a missing object `not_found`.
 */
export interface ObjectStore {
  /** Puts an object whole; readers see the old one or the new one. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<ObjectInfo>
  /** Reads an object or a range of it. */
  get(key: string, range?: ByteRange): Promise<Uint8Array>
  /** Reads an object whole, into memory that threads can share. */
  getShared(key: string): Promise<Uint8Array>
  /** Size and etag; `undefined` when there is no such object. */
  head(key: string): Promise<ObjectInfo | undefined>
  /** Keys that start with `prefix`, in byte order, a page at a time. */
  list(prefix: string, options?: ListOptions): Promise<ObjectPage>
  /** Removes an object; silent when there is none. */
  delete(key: string): Promise<void>
  /** Copies on the server's side. */
  copy(from: string, to: string): Promise<void>
}

/** The part of the port with which nothing can be changed. */
export type ObjectReads = Pick<ObjectStore, 'get' | 'getShared' | 'head' | 'list'>

export interface PutOptions {
  /** Only when there is no such object. */
  ifAbsent?: boolean
  /** Only over the object with this etag. */
  ifMatch?: string
}

/** `length` bytes from `offset` on. */
export interface ByteRange {
  offset: number
  length: number
}

export interface ObjectInfo {
  size: number
  etag: string
}

export interface ListOptions {
  /** Go on after this key. */
  after?: string
  /** At most so many keys; default and most 1,000. */
  limit?: number
}

export interface ObjectPage {
  objects: { key: string; size: number }[]
  /** Pass as `after` for the next page, which may be empty; absent on the last one. */
  next?: string
}

export const LIST_LIMIT = 1_000

/** File systems end names at 255 bytes, S3 keys at 1,024. */
const SEGMENT = /^[A-Za-z0-9._=-]{1,255}$/
const LONGEST_KEY = 900

/** Whether this can be a key: nothing that could mean anything but itself. */
export function isKey(key: string): boolean {
  const segments = key.split('/')
  return key.length <= LONGEST_KEY && segments.every((segment) => SEGMENT.test(segment) && !/^\.+$/.test(segment))
}

export function checkKey(key: string): void {
  if (!isKey(key)) throw new BorealError('invalid_field', `${JSON.stringify(key)} is no object key`)
}

/** Refuses a prefix that no key starts with. */
export function checkPrefix(prefix: string): void {
  if (isKey(prefix) || isKey(`${prefix}x`)) return
  throw new BorealError('invalid_field', `${JSON.stringify(prefix)} is no prefix of object keys`)
}

export function notFound(key: string, cause?: unknown): BorealError {
  return new BorealError('not_found', `no object ${JSON.stringify(key)}`, { cause })
}

export function conditionFailed(key: string, options: PutOptions, cause?: unknown): BorealError {
  const expected = options.ifAbsent ? 'exists already' : `no longer has etag ${options.ifMatch}`
  return new BorealError('precondition_failed', `object ${JSON.stringify(key)} ${expected}`, { cause })
}
