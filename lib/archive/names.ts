import { paddedLsn } from '../log/keys.ts'

/**
 * Keys of the archive: `<storeId>/archive/<from>-<to>-<first time>-<last time>-<prev>-<hash>`, LSNs of 16 and times (ms) of
 * 13 digits, of the hashes the first 16. So a listing alone says which entries there are, of which time, and how segments
 * follow each other.
 */

/** A segment as its key names it. */
export interface SegmentName {
  key: string
  /** First and last LSN. */
  from: number
  to: number
  /** Times of its first and last entry, ms. */
  firstTime: number
  lastTime: number
  /** Of the hash of the entry before the first one, and of the last one: 16 hex digits. */
  prev: string
  hash: string
}

/** A segment as it was listed. */
export interface ListedSegment extends SegmentName {
  bytes: number
}

const HASH_DIGITS = 16
const NAME = /^(\d{16})-(\d{16})-(\d{13})-(\d{13})-([0-9a-f]{16})-([0-9a-f]{16})$/

export function archivePrefix(storeId: string): string {
  return `${storeId}/archive/`
}

/** The mark of segments that are no longer needed. */
export function deletionKey(storeId: string): string {
  return `${archivePrefix(storeId)}deletion.json`
}

/** The name of a segment, its hashes whole. */
export function segmentName(storeId: string, of: Omit<SegmentName, 'key'>): SegmentName {
  const { from, to, firstTime, lastTime } = of
  // The genesis entry of a store follows nothing.
  const prev = of.prev.slice(0, HASH_DIGITS).padStart(HASH_DIGITS, '0')
  const hash = of.hash.slice(0, HASH_DIGITS)
  const times = [firstTime, lastTime].map((time) => time.toString().padStart(13, '0'))
  const key = `${archivePrefix(storeId)}${[paddedLsn(from), paddedLsn(to), ...times, prev, hash].join('-')}`
  return { key, from, to, firstTime, lastTime, prev, hash }
}

/** What a key names; undefined when it is no segment's. */
export function parsedName(storeId: string, key: string): SegmentName | undefined {
  const parts = NAME.exec(key.slice(archivePrefix(storeId).length))
  if (parts === null) return undefined
  const [from, to, firstTime, lastTime] = parts.slice(1, 5).map(Number)
  return { key, from: from!, to: to!, firstTime: firstTime!, lastTime: lastTime!, prev: parts[5]!, hash: parts[6]! }
}
