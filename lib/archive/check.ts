import type { StoredEntry } from '../log/archived-entries.ts'
import { markOf } from '../log/chain.ts'
import type { LogItem } from '../log/event-log.ts'
import { isBorealError, messageOf } from '../model/errors.ts'
import type { ArchiveContext } from './append.ts'
import { readSegment } from './merge.ts'
import type { ListedSegment } from './names.ts'
import { encodeSegment, verifyEntries } from './segment.ts'
import { listSegments } from './segments.ts'

export interface DamagedSegment {
  key: string
  why: string
  /** It was written again from the table, or from another segment. */
  mended: boolean
}

export interface ArchiveCheck {
  segments: number
  damaged: DamagedSegment[]
}

/** Reads every segment and verifies every entry; those that are damaged are written again where there is another copy. */
export async function checkArchive(context: ArchiveContext): Promise<ArchiveCheck> {
  const { log, objects, logger } = context
  const result: ArchiveCheck = { segments: 0, damaged: [] }
  let last: LogItem | undefined
  for (const segment of await listSegments(objects, log.storeId)) {
    result.segments++
    try {
      const read = await readSegment(context, segment)
      verifyEntries(segment, read, last?.lsn === segment.from - 1 ? last : undefined)
      last = read.entries.at(-1)!.item
    } catch (error) {
      // Merged into a larger one meanwhile.
      if (isBorealError(error, 'not_found')) continue
      if (!isBorealError(error, 'archive_corrupt')) throw error
      const failure = await mend(context, segment).then(
        () => undefined,
        (reason: unknown) => messageOf(reason),
      )
      const why = failure === undefined ? error.message : `${error.message} Tried, and failed: ${failure}`
      result.damaged.push({ key: segment.key, why, mended: failure === undefined })
      logger.error('a segment was damaged', { segment: segment.key, mended: failure === undefined, error: why })
    }
  }
  return result
}

async function mend({ log, objects }: ArchiveContext, segment: ListedSegment): Promise<void> {
  const there = await objects.head(segment.key)
  const entries = await entriesBetween(log, segment)
  const by = { storeId: log.storeId, writtenAt: Math.round(log.now()), writtenBy: log.writer }
  const { name, bytes } = await encodeSegment(entries, by)
  if (name.key !== segment.key) throw new Error(`the log has other entries there, which would make ${name.key}`)
  await objects.put(segment.key, bytes, there === undefined ? { ifAbsent: true } : { ifMatch: there.etag })
}

async function entriesBetween(log: ArchiveContext['log'], { from, to }: ListedSegment): Promise<StoredEntry[]> {
  const first = await log.storedEntry(from)
  if (first === undefined) throw new Error(`the log has no entry ${from}`)
  const entries = [first]
  if (from === to) return entries
  for await (const page of log.stored(markOf(first.item))) {
    for (const entry of page) {
      entries.push(entry)
      if (entry.item.lsn === to) return entries
    }
  }
  throw new Error(`the log ends before ${to}`)
}
