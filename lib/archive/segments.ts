import { objectsBelow } from '../objects/folders.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import { archivePrefix, type ListedSegment, parsedName } from './names.ts'

/** Entries that are missing, or are there: both ends belong to it. */
export interface LsnRange {
  from: number
  to: number
}

/** Segments that cover the archive from its first entry to its last, and where entries are missing between them. */
export interface SegmentChain {
  segments: ListedSegment[]
  gaps: LsnRange[]
  /** The last entry; undefined when there is none. */
  end: ListedSegment | undefined
}

/** All segments of a store, in the order of their first entries; of those that begin together the longest first. */
export async function listSegments(objects: ObjectReads, storeId: string): Promise<ListedSegment[]> {
  const segments: ListedSegment[] = []
  for await (const { key, size } of objectsBelow(objects, archivePrefix(storeId))) {
    const name = parsedName(storeId, key)
    if (name !== undefined) segments.push({ ...name, bytes: size })
  }
  return segments.sort((a, b) => a.from - b.from || b.to - a.to)
}

/** As few segments as cover what the archive has. Those that overlap say the same, because the log never changes. */
export function chainOf(sorted: readonly ListedSegment[]): SegmentChain {
  const chain: SegmentChain = { segments: [], gaps: [], end: undefined }
  for (let index = 0; index < sorted.length; ) {
    const next = (chain.end?.to ?? sorted[0]!.from - 1) + 1
    // Of all that begin at or before the next entry, the one that goes furthest.
    let furthest: ListedSegment | undefined
    for (; index < sorted.length && sorted[index]!.from <= next; index++) {
      if (sorted[index]!.to > (furthest?.to ?? next - 1)) furthest = sorted[index]!
    }
    if (furthest === undefined) {
      const after = sorted[index]
      if (after === undefined) break
      chain.gaps.push({ from: next, to: after.from - 1 })
      // Go on behind the gap as if the archive began there.
      chain.end = { ...after, to: after.from - 1 }
      continue
    }
    chain.segments.push(furthest)
    chain.end = furthest
  }
  return chain
}

/** Whether another segment has all entries of this one. */
export function covers(segment: ListedSegment, other: ListedSegment): boolean {
  return segment.key !== other.key && segment.from <= other.from && segment.to >= other.to
}
