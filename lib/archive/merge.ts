import type { StoredEntry } from '../log/archived-entries.ts'
import { isBorealError } from '../model/errors.ts'
import { type ArchiveContext, SEGMENT_BYTES, SEGMENT_ENTRIES, writeSegment } from './append.ts'
import type { ListedSegment } from './names.ts'
import { decodeSegment, type Segment, verifyEntries } from './segment.ts'
import { chainOf, covers, listSegments } from './segments.ts'

/**
 * Many small segments become few large ones, so that a year of them can be listed: a group that is full is made into one,
 * and the last one, which still grows, when it has so many. Nothing is taken away here; what is in a larger segment as well
 * goes later (`removeMerged`).
 */
const MOST_SMALL = 64

/** A large segment must have been there so long before the small ones go: somebody may be reading them. */
export const MERGE_GRACE_MS = 60 * 60 * 1_000

/** Merges what can be merged; tells how many segments were written. */
export async function mergeSmall(context: ArchiveContext): Promise<number> {
  const { log, objects } = context
  const { segments } = chainOf(await listSegments(objects, log.storeId))
  let merged = 0
  for (const group of groupsOf(segments)) {
    await writeSegment(context, await entriesOf(context, group))
    merged++
  }
  return merged
}

/** Neighbours that fit into one segment, of those that are worth it. */
export function groupsOf(segments: readonly ListedSegment[]): ListedSegment[][] {
  const groups: ListedSegment[][] = []
  let group: ListedSegment[] = []
  let bytes = 0
  for (const segment of segments) {
    const last = group.at(-1)
    const isNext = last !== undefined && segment.from <= last.to + 1 && !isLarge(last) && !isLarge(segment)
    const entries = segment.to - (group[0]?.from ?? segment.from) + 1
    if (!isNext || bytes + segment.bytes > SEGMENT_BYTES || entries > SEGMENT_ENTRIES) {
      if (group.length > 1) groups.push(group)
      group = []
      bytes = 0
    }
    group.push(segment)
    bytes += segment.bytes
  }
  if (group.length >= MOST_SMALL) groups.push(group)
  return groups
}

/** Half full is full enough: what was merged once must not be written again for every little that comes. */
function isLarge({ bytes, from, to }: ListedSegment): boolean {
  return bytes > SEGMENT_BYTES / 2 || to - from > SEGMENT_ENTRIES / 2
}

/** Entries of neighbours, verified from the first to the last. */
async function entriesOf(context: ArchiveContext, group: readonly ListedSegment[]): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = []
  for (const name of group) {
    const segment = await readSegment(context, name)
    const last = entries.at(-1)?.item
    const fresh = segment.entries.filter(({ item }) => last === undefined || item.lsn > last.lsn)
    verifyEntries(name, { ...segment, entries: fresh }, last)
    // Not one by one into a call: there may be many.
    for (const entry of fresh) entries.push(entry)
  }
  return entries
}

/** Deletes segments whose entries are in a larger one, which is read whole before. Tells which went. */
export async function removeMerged(context: ArchiveContext, graceMs = MERGE_GRACE_MS): Promise<string[]> {
  const { log, objects, logger } = context
  const all = await listSegments(objects, log.storeId)
  const removed: string[] = []
  for (const large of all.filter((each) => !all.some((other) => covers(other, each)))) {
    const small = all.filter((each) => covers(large, each))
    if (small.length === 0) continue
    try {
      const segment = await readSegment(context, large)
      verifyEntries(large, segment)
      if (log.now() - segment.header.writtenAt < graceMs) continue
    } catch (error) {
      if (!isBorealError(error, 'archive_corrupt', 'not_found')) throw error
      logger.error('a segment cannot be used; what it was merged from stays', { error: error.message })
      continue
    }
    for (const { key } of small) {
      await objects.delete(key)
      removed.push(key)
    }
  }
  return removed
}

/** @throws BorealError `archive_corrupt`, or `not_found` when it is not there any more */
export async function readSegment({ log, objects }: ArchiveContext, name: ListedSegment): Promise<Segment> {
  return decodeSegment(log.storeId, name, await objects.get(name.key))
}
