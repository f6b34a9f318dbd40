import type { HeadItem, LogItem } from './event-log.ts'

/**
 * The port of whoever trims: single requests, each conditional, none retried. Apart from {@link EventLog}, because a
 * writer must have no way to take anything out of the log (and its credentials need no permission to).
 *
 * Invariant of trimming: a slot keeps an item, be it a tombstone, until `trimmedTo` is at or above it.
 */
export interface TrimmableLog {
  /** A strongly consistent read of one slot, tombstones included. */
  get(lsn: number): Promise<LogItem | undefined>
  head(): Promise<HeadItem>
  /**
   * Makes an entry into a tombstone, which keeps the place in the chain and who made it. Nothing happens when it is one
   * already, or was freed.
   *
   * @param atMs server time, from which the age of the tombstone is counted
   * @throws CorruptEntry when the slot holds anything else than this entry
   */
  bury(entry: Pick<LogItem, 'lsn' | 'hash' | 'attempt'>, atMs: number): Promise<void>
  /**
   * Makes a slot that is stepped over into a tombstone, whatever is in it. Nothing happens when it is one already, or was
   * freed.
   *
   * @param entry what stands for it in the archive
   */
  buryLost(entry: Pick<LogItem, 'lsn' | 'storeId' | 'hash' | 'attempt'>, atMs: number): Promise<void>
  /** Says that slots up to this LSN may be gone; silent when that has been said. To be done before any is removed. */
  advanceTrimmedTo(lsn: number): Promise<void>
  /**
   * Frees a slot. Silent when it is free.
   *
   * @throws CorruptEntry when it holds an entry that is no tombstone
   */
  remove(lsn: number): Promise<void>
  close(): void
}
