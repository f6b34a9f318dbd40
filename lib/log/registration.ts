import { BorealError } from '../model/errors.ts'
import type { Origin } from './genesis.ts'
import type { SealReason } from './seal.ts'

/** What the registry says about a name. */
export interface Registration {
  name: string
  storeId: string
  /**
   * `making`: it is not complete yet, and nobody's; `open`: the name means this store; `sealed`: its log has ended. Only
   * an open one is under a name that nodes start with, the others are under `name@storeId`.
   */
  state: 'making' | 'open' | 'sealed'
  /** Server time, ms. */
  createdMs: number
  /** LSN of its genesis item. */
  startsAt: number
  /** The parent, and the place at which it left it; its genesis may be some entries before that. */
  origin?: Pick<Origin, 'kind' | 'storeId' | 'lsn'>
  /** Why it ended, and when (server time, ms). */
  ended?: { because: SealReason; atMs: number }
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** @throws BorealError `invalid_field` for what cannot be the name of a store */
export function checkName(name: string): void {
  if (NAME.test(name)) return
  throw new BorealError(
    'invalid_field',
    `${JSON.stringify(name)} is no name of a store: 1 to 63 of A-Z a-z 0-9 . _ -, the first one a letter or a digit`,
    { errors: [{ path: 'name', message: 'must be 1 to 63 of A-Z a-z 0-9 . _ -, and begin with a letter or a digit' }] },
  )
}

/** Under what a store is noted that no name means: one that is being made, or that has ended. */
export function asideName(name: string, storeId: string): string {
  return `${name}@${storeId}`
}
