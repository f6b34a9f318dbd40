import * as z from 'zod'
import type { Log } from '../log/log.ts'
import { isBorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { type Snapshot, snapshots } from '../snapshot/catalog.ts'
import { imageParts } from '../snapshot/image-object.ts'
import { assertCovered, readHoldings } from './coverage.ts'
import { deletionKey, type ListedSegment } from './names.ts'
import { listSegments } from './segments.ts'
import type { TrimContext } from './trim.ts'
import type { TrimSettings } from './trim-settings.ts'

const markSchema = z.strictObject({ upTo: z.int().nonnegative(), markedAt: z.int().nonnegative() })

/** Segments up to an LSN are not needed any more, since then (server time, ms). */
type Mark = z.infer<typeof markSchema>

/**
 * Deletes segments that nothing in retention needs: those up to the newest verified snapshot that is as old as that. First a
 * mark says so; when the grace has passed and it is still true, they go, the oldest first. Tells which.
 *
 * @throws BorealError `not_covered`, `snapshot_corrupt` when the snapshot that is to take their place is damaged
 */
export async function forgetOld(
  context: TrimContext,
  { retentionMs, graceMs }: TrimSettings,
  dryRun: boolean,
): Promise<string[]> {
  const { log, objects, logger } = context
  const anchor = await snapshotAsOld(context, log.now() - retentionMs)
  const old = anchor === undefined ? [] : await segmentsUpTo(context, anchor.lsn)
  const mark = await readMark(objects, log.storeId)
  if (old.length === 0) {
    if (mark !== undefined && !dryRun) await objects.delete(deletionKey(log.storeId))
    return []
  }
  if (mark === undefined) {
    if (!dryRun) await writeMark(objects, log, old.at(-1)!.to)
    return []
  }
  const due = log.now() - mark.markedAt < graceMs ? [] : old.filter(({ to }) => to <= mark.upTo)
  if (due.length === 0) return []
  const keys = due.map(({ key }) => key)
  const others = (await context.otherPoints?.()) ?? []
  const holdings = await readHoldings(context, retentionMs, others)
  assertCovered(holdings, { segments: new Set(keys) }, `segments up to LSN ${mark.upTo} of the archive`)
  if (dryRun) return keys
  // From now on the past begins with this image.
  await imageParts(objects, anchor!.manifest!).check()
  for (const key of keys) await objects.delete(key)
  await objects.delete(deletionKey(log.storeId))
  logger.info('deleted segments that are out of retention', { segments: keys.length, upTo: due.at(-1)!.to })
  return keys
}

async function snapshotAsOld({ objects, log }: TrimContext, timeMs: number): Promise<Snapshot | undefined> {
  for await (const snapshot of snapshots(objects, log.storeId)) {
    const { state, manifest, deletion } = snapshot
    if (state === 'verified' && deletion === undefined && manifest!.entryTime <= timeMs) return snapshot
  }
  return undefined
}

async function segmentsUpTo({ objects, log }: TrimContext, lsn: number): Promise<ListedSegment[]> {
  return (await listSegments(objects, log.storeId)).filter(({ to }) => to <= lsn)
}

async function readMark(objects: ObjectStore, storeId: string): Promise<Mark | undefined> {
  try {
    return markSchema.parse(JSON.parse(Buffer.from(await objects.get(deletionKey(storeId))).toString('utf8')))
  } catch (error) {
    if (isBorealError(error, 'not_found')) return undefined
    if (isBorealError(error)) throw error
    return undefined
  }
}

async function writeMark(objects: ObjectStore, log: Log, upTo: number): Promise<void> {
  const mark: Mark = { upTo, markedAt: Math.round(log.now()) }
  try {
    await objects.put(deletionKey(log.storeId), Buffer.from(JSON.stringify(mark)), { ifAbsent: true })
  } catch (error) {
    if (!isBorealError(error, 'precondition_failed')) throw error
    // One that cannot be read counts for nothing, and must not stay for ever.
    await objects.delete(deletionKey(log.storeId))
  }
}
