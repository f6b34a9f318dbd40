import type { BorealEvent, WrittenEvent } from '../model/events.ts'
import type { OperationResult } from '../model/operations.ts'
import type { Frame } from './frames.ts'
import type { QuarantineRecord } from './quarantine.ts'

/** One transaction of the log. Those that were read have every event in its current version. */
export interface LoggedTransaction<Event = BorealEvent> {
  /** ULID. */
  id: string
  /** The client's idempotency key; absent when the client gave none. */
  key?: string
  /** Whose key it is. */
  principal?: string
  /** Hash of the canonical request: the same key with another request is an error. */
  request?: string
  /** Who asked. */
  actor: string
  /** Why, when it was said. */
  reason?: string
  events: Event[]
  results: OperationResult[]
}

/** One transaction as it is to be written: with events of earlier versions, while older builds may read the log. */
export type WrittenTransaction = LoggedTransaction<WrittenEvent>

/** One transaction as its bytes say: events of any kind and version, those of later builds among them. */
export type StoredTransaction = LoggedTransaction<unknown>

/** What one append made durable. */
export interface Entry {
  lsn: number
  /** Server time of the append in ms; never less than that of the entry before. */
  time: number
  /** ULID of the process that wrote it. */
  writer: string
  /** ULID, fresh for every distinct (slot, bytes). */
  attempt: string
  /** Hash of the entry before, hex. */
  prev: string
  /** Hash of this entry, hex. */
  hash: string
  /** Stored size of the body. */
  bytes: number
  /** Without their events where these are in frames. */
  transactions: LoggedTransaction[]
  /** The events of the only transaction, where they are too many to be held at once: read them with Log.frameEvents. */
  framed?: FramedEvents
  /** It stands for a slot that is stepped over: nothing else is known of it. */
  quarantined?: QuarantineRecord
}

/** Where the events of a large entry are. */
export interface FramedEvents {
  /** What the keys of the frames begin with. */
  bodyKey: string
  frames: Frame[]
}
