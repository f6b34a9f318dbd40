import type { StoredEntry } from '../log/archived-entries.ts'
import { type LogMark, markOf } from '../log/chain.ts'
import type { Log } from '../log/log.ts'
import { StoreSealed } from '../log/seal.ts'
import { isBorealError, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { archivedEnd } from './ends.ts'
import type { SegmentName } from './names.ts'
import { decodeSegment, encodeSegment } from './segment.ts'
import { chainOf, type LsnRange, listSegments } from './segments.ts'
import { firstWhole } from './table-places.ts'

export interface ArchiveContext {
  log: Log
  objects: ObjectStore
  logger: Logger
}

/** A segment ends when it is as large as this, or has as many entries: it is read and checked in one piece. */
export const SEGMENT_BYTES = 4 * 1024 * 1024
export const SEGMENT_ENTRIES = 10_000

/** About what an item takes beside its body. */
const ITEM_BYTES = 300

export interface Appended {
  /** Segments written. */
  segments: number
  entries: number
  /** The last entry of the archive. */
  lsn: number | undefined
}

/**
 * Copies what the archive does not have yet: what is new in the log, and what is missing in between. Every entry is
 * verified as whoever follows the log verifies it, bodies that lie beside the table are copied into the segment. What one
 * run has written stays, wherever it is stopped; several at once write segments that say the same.
 *
 * @throws CorruptEntry when the log does not go on from the archive's end: it is another one, or has lost entries
 */
export async function appendNew(context: ArchiveContext): Promise<Appended> {
  const { log, objects, logger } = context
  const { gaps, end } = chainOf(await listSegments(objects, log.storeId))
  const done: Appended = { segments: 0, entries: 0, lsn: end?.to }
  for (const gap of gaps) {
    try {
      await fill(context, gap, done)
    } catch (error) {
      logger.error('entries are missing in the archive', { ...gap, error: messageOf(error) })
    }
  }
  if (end === undefined) await begin(context, done)
  else await copy(context, await archivedEnd(log, end), Number.POSITIVE_INFINITY, done)
  return done
}

/** From the first entry on that the table still has: the genesis entry, unless there was an archive that is gone. */
async function begin(context: ArchiveContext, done: Appended): Promise<void> {
  const { log, logger } = context
  const from = await firstWhole(log)
  const first = await log.storedEntry(from)
  if (first === undefined) return
  // A clone's log begins later, too; there nothing was trimmed.
  if ((await log.slot(from - 1)) !== undefined || (await log.trimmedTo()) > 0) {
    logger.warn('the archive begins in the middle of the log: entries before it were trimmed', { from })
  }
  // Not alone in a segment: what follows goes into the same one.
  await copy(context, markOf(first.item), Number.POSITIVE_INFINITY, done, [first])
}

async function fill(context: ArchiveContext, { from, to }: LsnRange, done: Appended): Promise<void> {
  const before = await context.log.markAt(from - 1)
  if (before !== undefined) await copy(context, before, to, done)
}

async function copy(
  context: ArchiveContext,
  mark: LogMark,
  upTo: number,
  done: Appended,
  entries: StoredEntry[] = [],
): Promise<void> {
  let bytes = 0
  const flush = async () => {
    if (entries.length === 0) return
    const name = await writeSegment(context, entries)
    done.segments++
    done.entries += entries.length
    done.lsn = Math.max(done.lsn ?? 0, name.to)
    entries = []
    bytes = 0
  }
  const pages = mark.lsn < upTo ? untilSealed(context.log.stored(mark)) : []
  for await (const page of pages) {
    for (const entry of page) {
      const size = sizeOf(entry)
      if (bytes + size > SEGMENT_BYTES || entries.length >= SEGMENT_ENTRIES) await flush()
      entries.push(entry)
      bytes += size
      if (entry.item.lsn === upTo) return flush()
    }
  }
  await flush()
}

/** A log that has ended for good ends like any other. */
async function* untilSealed(pages: AsyncIterable<StoredEntry[]>): AsyncGenerator<StoredEntry[]> {
  try {
    yield* pages
  } catch (error) {
    if (!(error instanceof StoreSealed)) throw error
  }
}

function sizeOf({ body }: StoredEntry): number {
  return ITEM_BYTES + body.byteLength
}

/** Writes a segment, unless it is there already and sound. */
export async function writeSegment(
  { log, objects, logger }: ArchiveContext,
  entries: readonly StoredEntry[],
): Promise<SegmentName> {
  const { storeId } = log
  const by = { storeId, writtenAt: Math.round(log.now()), writtenBy: log.writer }
  const { name, bytes } = await encodeSegment(entries, by)
  try {
    await objects.put(name.key, bytes, { ifAbsent: true })
  } catch (error) {
    if (!isBorealError(error, 'precondition_failed')) throw error
    await replaceIfDamaged({ objects, logger, storeId }, name, bytes)
  }
  return name
}

async function replaceIfDamaged(
  { objects, logger, storeId }: { objects: ObjectStore; logger: Logger; storeId: string },
  name: SegmentName,
  bytes: Uint8Array,
): Promise<void> {
  const there = await objects.head(name.key)
  try {
    await decodeSegment(storeId, name, await objects.get(name.key))
  } catch (error) {
    if (!isBorealError(error, 'archive_corrupt') || there === undefined) throw error
    logger.warn('a damaged segment is replaced', { error: error.message })
    await objects.put(name.key, bytes, { ifMatch: there.etag })
  }
}
