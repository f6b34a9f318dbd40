import type { LogMark } from '../log/chain.ts'
import { LogTrimmed } from '../log/corrupt-entry.ts'
import type { Log } from '../log/log.ts'
import { contradictedBy, stateIsLost } from '../log/quarantine.ts'
import { checkName, type Registration } from '../log/registration.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import { findSnapshot, snapshots } from '../snapshot/catalog.ts'
import { copySnapshot } from '../snapshot/copy.ts'
import type { Manifest } from '../snapshot/documents.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import type { StoresContext } from './context.ts'
import { forgetNote, makeStore } from './make-store.ts'
import { lsnAtTime } from './place.ts'
import { deleteStore } from './sweep.ts'

/** Entries that are rather carried over one by one than made into a snapshot first: about a second's work. */
export const MOST_CARRIED = 1_000

export interface CloneContext extends StoresContext {
  /** The parent's log. */
  log: Log
  /** Takes a snapshot of the parent, at an LSN or at the end of its log. */
  takeSnapshot(upTo: number | undefined): Promise<{ snapshotId: string | undefined }>
  mostCarried?: number | undefined
}

export interface CloneRequest {
  name: string
  /** The last entry that it is to have. Default: the last one there is. */
  atLsn?: number | undefined
  /** Likewise, as a time in ms. */
  atTime?: number | undefined
}

/**
 * Makes a clone: a store of its own that has everything up to a place of the parent's log, and goes on from there. The
 * newest snapshot before the place is copied, and the entries behind it; where these are many a snapshot is taken first.
 *
 * @throws BorealError `already_exists` when the name is taken, `out_of_retention` when the place cannot be restored any more
 */
export async function createClone(context: CloneContext, request: CloneRequest): Promise<Registration> {
  const { stores, log } = context
  const { name } = request
  checkName(name)
  const existing = await stores.find(name)
  if (existing !== undefined) throw taken(name, existing.storeId)
  const { place, base, snapshot } = await placeOf(context, request)
  const made = await makeStore(context, {
    ...{ name, kind: 'clone', parentId: log.storeId, base },
    begin:
      snapshot &&
      ((copying, target) => copySnapshot(copying, { objects: context.objects, manifest: snapshot }, target)),
    entries: (mark) => log.stored(mark),
    upTo: place.lsn,
    forgets: place.lsn === 0 ? undefined : place.time,
  })
  if (!(await stores.add(made))) {
    // Somebody was faster; what we have made is nobody's.
    await deleteStore(context, made).then(() => forgetNote(context, made), quietly(context))
    throw taken(name, (await stores.find(name))?.storeId)
  }
  await forgetNote(context, made)
  return made
}

function taken(name: string, storeId: string | undefined): BorealError {
  return new BorealError(
    'already_exists',
    `the name ${JSON.stringify(name)} means store ${storeId} already: take another one, or delete that one first ` +
      `(boreal clone delete ${name})`,
  )
}

const quietly =
  ({ logger }: CloneContext) =>
  (error: unknown) =>
    logger.warn('what was left of a clone could not be deleted; a later round does it', { error: messageOf(error) })

interface Places {
  /** Where the clone leaves its parent. */
  place: Pick<LogMark, 'lsn' | 'time'>
  /** Where the parent's entries begin to be carried over, and the snapshot there. */
  base: LogMark
  snapshot: Manifest | undefined
}

async function placeOf(context: CloneContext, request: CloneRequest): Promise<Places> {
  const { log, mostCarried = MOST_CARRIED } = context
  try {
    const lsn = await lsnOf(log, request)
    const record = await log.lostAt(lsn)
    if (record !== undefined) throw stateIsLost(record, lsn)
    const before = await newestBefore(context, lsn)
    const from = before?.lsn ?? (log.startsAt === 0 && (await log.trimmedTo()) === 0 ? 0 : undefined)
    if (from !== undefined && lsn - from <= mostCarried) return await placesAt(log, lsn, before)
    const isEnd = request.atLsn === undefined && request.atTime === undefined
    const { snapshotId } = await context.takeSnapshot(isEnd ? undefined : lsn)
    const taken = snapshotId === undefined ? undefined : await findSnapshot(context.objects, log.storeId, snapshotId)
    if (taken?.manifest === undefined || taken.state !== 'verified') {
      throw new BorealError('snapshot_corrupt', `snapshot ${snapshotId} was taken for the clone and is not there`)
    }
    return await placesAt(log, isEnd ? await log.findEnd(taken.lsn) : lsn, taken.manifest)
  } catch (error) {
    if (!(error instanceof LogTrimmed)) throw error
    throw new BorealError('out_of_retention', `that place of the log cannot be restored any more: ${error.message}`, {
      cause: error,
    })
  }
}

async function placesAt(log: Log, lsn: number, snapshot: Manifest | undefined): Promise<Places> {
  const base =
    snapshot === undefined
      ? await log.emptyStore()
      : { lsn: snapshot.lsn, hash: snapshot.hash, time: snapshot.entryTime }
  if (lsn === base.lsn) return { place: base, base, snapshot }
  const place = await log.markAt(lsn)
  if (place === undefined) throw new LogTrimmed(lsn)
  return { place, base, snapshot }
}

/** @throws BorealError `invalid_field` for a place that the log does not have */
async function lsnOf(log: Log, { atLsn, atTime }: CloneRequest): Promise<number> {
  const end = await log.findEnd(
    log.startsAt === 0 ? await log.trimmedTo() : Math.max(log.startsAt, await log.trimmedTo()),
  )
  if (atTime !== undefined) return lsnAtTime(log, atTime, end)
  if (atLsn === undefined) return end
  if (atLsn > end) throw refused('atLsn', `the log ends at LSN ${end}, before ${atLsn}`)
  if (atLsn < log.startsAt)
    throw refused('atLsn', `the log begins at LSN ${log.startsAt}: clone the store that it comes from`)
  return atLsn
}

function refused(path: string, message: string): BorealError {
  return new BorealError('invalid_field', message, { errors: [{ path, message }] })
}

/** The newest snapshot at or before an LSN that a store may start from, and that is not on its way out. */
async function newestBefore({ objects, log, base }: CloneContext, lsn: number): Promise<Manifest | undefined> {
  const lost = await log.quarantined()
  for await (const { state, manifest, deletion } of snapshots(objects, log.storeId)) {
    if (manifest === undefined || contradictedBy(lost, manifest) !== undefined) continue
    if (state !== 'verified' || deletion !== undefined || manifest.lsn > lsn) continue
    if (unusableBecause(manifest, base) === undefined) return manifest
  }
  return undefined
}
