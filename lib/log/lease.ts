import type { ServerClock } from './event-log.ts'

/**
 * The writer lease of a store, as the head item has it. It says who is to write and where others find him. Nothing that is
 * right or wrong rests on it: whoever appends races for a slot, with a lease or without.
 */
export interface Lease {
  /** ULID of the holder's process as a writer. Empty when the lease was given back. */
  holder: string
  /** URL at which the holder takes requests. */
  endpoint: string
  /** One more with every time that somebody takes the lease. Never goes back. */
  term: number
  /** Server time, ms. */
  expiresMs: number
  /** The holder is about to give it back, or has done so in order: look often. */
  leaving: boolean
}

/** The port of the lease: single requests, none of them retried inside. */
export interface LeaseStore {
  /** A strongly consistent read; undefined while nobody has ever held it. */
  read(): Promise<Lease | undefined>
  /**
   * Puts `to` in the place of `from`, which was read or put before; false when something else is there by now. Throws when
   * it is not known whether it happened: then a read tells.
   */
  swap(from: Lease | undefined, to: Lease): Promise<boolean>
  /** The server's clock as far as it is known. */
  readonly serverClock: ServerClock
  close(): void
}

/** Whether it is the same lease, not renewed since. */
export function isSameLease(a: Lease | undefined, b: Lease | undefined): boolean {
  return a?.holder === b?.holder && a?.term === b?.term && a?.expiresMs === b?.expiresMs
}
