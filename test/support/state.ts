import type { Entry, LoggedTransaction } from '../../lib/log/entry.ts'
import type { Log } from '../../lib/log/log.ts'
import { digestOf, digestStatement, tableHashesStatement } from '../../lib/store/digest.ts'
import { PgliteEngine } from '../../lib/store/engine.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { Store } from '../../lib/store/store.ts'
import { testImage } from './image.ts'

/** Digest of a store, and the hash of each table to see where two differ. */
export async function stateOf(store: Store): Promise<{ digest: string; tables: Record<string, string> }> {
  const [digest, tables] = await store.run([digestStatement, tableHashesStatement])
  return { digest: digestOf(digest), tables: jsonOf(tables)! }
}

/** An empty store in this thread; the caller kills its engine. */
export async function emptyStore(log: Pick<Log, 'genesis'>): Promise<Store> {
  return Store.open(await PgliteEngine.bootImage(await testImage()), await log.genesis())
}

/** Every entry of a log. */
export async function entriesOf(log: Log): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const page of log.follow(await log.genesis())) entries.push(...page)
  return entries
}

/** The transactions of a log behind a place. */
export async function transactionsOf(log: Log, after = 0): Promise<LoggedTransaction[]> {
  const entries = await entriesOf(log)
  return entries.filter(({ lsn }) => lsn > after).flatMap(({ transactions }) => transactions)
}
