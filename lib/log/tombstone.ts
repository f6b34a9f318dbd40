import type { LogItem } from './event-log.ts'

/** What is left of an entry that was trimmed: its place in the chain, who made it, and since when it is one. */
export function tombstoneOf(
  { lsn, storeId, hash, attempt }: Pick<LogItem, 'lsn' | 'storeId' | 'hash' | 'attempt'>,
  atMs: number,
): LogItem {
  const gone = { format: -1, writer: '', time: -1, prev: '', codec: '' as never, transactions: -1 }
  return { lsn, storeId, hash, attempt, ...gone, bodyHash: '', bodyBytes: -1, trimmed: atMs }
}
