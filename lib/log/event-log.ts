/**
 * The port of the log: slots in a table, each written at most once.
 *
 * An adapter does single requests and classifies their outcomes; it neither retries nor interprets bodies. What makes
 * slots into a linearizable log (retries, doubt, chain, compression, claim check) is in `log.ts` and `log-reader.ts` and is the same for
 * every adapter.
 */
export interface EventLog {
  /** One conditional put: succeeds only while the slot is empty. Never retried inside. */
  put(item: LogItem): Promise<PutOutcome>
  /** A strongly consistent read of one slot. */
  get(lsn: number): Promise<LogItem | undefined>
  /** Strongly consistent: items after `after` in order, a page (about 1 MB) of their bucket; empty at the end. */
  read(after: number): Promise<LogItem[]>
  /** The head item. */
  head(): Promise<HeadItem>
  /** The server's clock as far as it is known. */
  readonly serverClock: ServerClock
  close(): void
}

/** Current format of log items. */
export const LOG_FORMAT = 1

/** One slot as stored. Attributes are the table's; binary ones are bytes. */
export interface LogItem {
  lsn: number
  format: number
  storeId: string
  writer: string
  attempt: string
  time: number
  /** Hash of the item before, hex. */
  prev: string
  /** SHA-256 over the canonical encoding of all other attributes, hex. */
  hash: string
  codec: Codec
  /** Number of transactions in the body. */
  transactions: number
  /** SHA-256 of the stored body, hex. */
  bodyHash: string
  /** Size of the stored body. */
  bodyBytes: number
  /** The body, when it is in the item. */
  body?: Uint8Array
  /** Key of the body in the object store, when it was too large for the item. */
  bodyKey?: string
  /** Set on tombstones: trimming took the body and left the place in the chain, at this server time, ms. */
  trimmed?: number
}

/**
 * How a body is encoded: JSON, deflated or plain. `none` is the empty body of genesis items; `genesis` says where a log
 * comes from that begins behind another one, `seal` why a log has ended. The body of `frames` lists what is in objects of
 * their own, under `bodyKey` (frames.ts). `quarantine` is in the archive alone (stand-in.ts).
 */
export type Codec = 'deflate' | 'json' | 'none' | 'frames' | 'genesis' | 'seal' | 'quarantine'

/** The small item with the store's settings. */
export interface HeadItem {
  /** Slots up to this LSN may be gone. */
  trimmedTo: number
  /** Slots that are stepped over (quarantine.ts), as text. */
  quarantined?: string | undefined
}

export type PutOutcome =
  | { kind: 'written' }
  /** The slot is taken. `item` is what is there. */
  | { kind: 'taken'; item: LogItem }
  /** The server said no, for good: nothing was written by this request. */
  | { kind: 'refused'; error: Error }
  /** The request never reached a server. */
  | { kind: 'unsent'; error: Error }
  /** Timeout, 5xx, throttle, broken connection: it may or may not have been written. */
  | { kind: 'unknown'; error: Error }

/** The server's time, learned from its answers. */
export interface ServerClock {
  /** Server time in ms, or the local clock while nothing is known. */
  now(): number
  /** Local clock minus server clock in ms, once known. */
  readonly skewMs: number | undefined
}

/** Where a body is stored that is too large for an item. An ObjectStore fits. */
export interface BodyStore {
  put(key: string, bytes: Uint8Array, options?: { ifAbsent?: boolean }): Promise<unknown>
  get(key: string): Promise<Uint8Array>
  /** For frames; without it they are read and put. */
  copy?(from: string, to: string): Promise<void>
  delete?(key: string): Promise<void>
}
