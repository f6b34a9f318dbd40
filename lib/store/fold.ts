import type { Entry } from '../log/entry.ts'
import { BorealError } from '../model/errors.ts'
import { hashOfKey } from '../model/idempotency-key.ts'
import { ChangeSet, forgetBefore } from './change-set.ts'

/** Folds entries, which must be consecutive, into one change set. */
export function foldEntries(entries: readonly Entry[]): ChangeSet {
  const changes = new ChangeSet()
  for (const entry of entries) foldEntry(changes, entry)
  return changes
}

/** Adds an entry to a change set. */
export function foldEntry(changes: ChangeSet, entry: Pick<Entry, 'lsn' | 'time' | 'transactions' | 'framed'>): void {
  if (entry.framed !== undefined) {
    throw new BorealError('internal', `the events of entry ${entry.lsn} are in frames, and are not folded as a whole`)
  }
  const meta = { version: entry.lsn, timeMs: entry.time }
  const { horizon } = changes
  changes.apply([], meta)
  for (const [index, { events, key, principal }] of entry.transactions.entries()) {
    changes.apply(events, meta)
    if (key === undefined) continue
    changes.remember(hashOfKey(principal ?? '', key), { lsn: entry.lsn, index, timeMs: entry.time })
  }
  // Keys of the entry that moves the horizon are before it or not like all others, wherever they stand in the entry.
  if (changes.horizon !== undefined && changes.horizon !== horizon) {
    forgetBefore(changes.idempotency, changes.horizon.timeMs)
  }
}
