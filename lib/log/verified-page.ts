import type { StoredEntry } from './archived-entries.ts'
import { type LogMark, markOf, verifyNext } from './chain.ts'
import type { EntryFinder, Found } from './entry-finder.ts'
import type { Quarantine } from './quarantine.ts'
import { isSeal, StoreSealed } from './seal.ts'

export interface VerifiedPage<T> {
  entries: T[]
  /** The place behind the last of them. */
  mark: LogMark
  /** Why the one behind that cannot be used. What comes before a failure is good, and somebody may need no more. */
  failure: { error: unknown } | undefined
}

/** The entries of a page that follow `mark`: dense, chained and unharmed, up to the first that is not. */
export async function verifiedPage<T>(
  page: readonly Found[],
  mark: LogMark,
  context: { finder: EntryFinder; quarantine: Quarantine; storeId: string; read(entry: StoredEntry): T },
): Promise<VerifiedPage<T>> {
  const { finder, quarantine, storeId, read } = context
  const verified: VerifiedPage<T> = { entries: [], mark, failure: undefined }
  try {
    for (const found of page) {
      const place = verified.mark
      const entry = await finder.verified(found, (item) => verifyNext(item, place, storeId))
      if (isSeal(entry.item)) throw new StoreSealed(entry.item)
      if (entry.item.transactions === 0) await quarantine.hearEmptyEntry(entry.item.lsn)
      verified.entries.push(read(entry))
      verified.mark = markOf(entry.item)
    }
  } catch (error) {
    verified.failure = { error }
  }
  return verified
}
