import { findEnd } from '../log/end.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Registration } from '../log/registration.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { findSnapshot, newestVerified, snapshots } from '../snapshot/catalog.ts'
import type { Manifest } from '../snapshot/documents.ts'
import { storeIds } from '../snapshot/store-ids.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import type { StoresContext } from './context.ts'

export interface RestoreRequest {
  /** The name under which it is to be. */
  name: string
  /** Id of the snapshot, or `newest`. */
  from: string
  /** Where the snapshots are, if not where those of the new store will be: a backup, for example. */
  source?: ObjectStore | undefined
  /** Which lost store; needed where there are several. */
  storeId?: string | undefined
}

/** What a restore would do. */
export interface RestorePlan {
  name: string
  /** The store that is lost. */
  lostId: string
  /** What the name means now. */
  registered: Registration | undefined
  snapshot: Manifest
  source: ObjectStore
  /** What there is of the log of the store that the name means now, in words. */
  registeredEnd: string
  /** Whether the table has the lost store's log where the snapshot ends: then what is behind it is carried over. */
  log: 'continues' | 'gone' | 'begins later' | 'ends before' | 'another'
}

/** What the table has of the log behind a snapshot, in words. */
export const LOG_WORDS: Record<RestorePlan['log'], string> = {
  continues: 'is there, and what it has behind the snapshot is kept',
  gone: 'is gone: what was written behind the snapshot is lost, unless the archive has it',
  'begins later': 'begins behind the snapshot: what was trimmed in between is needed, from an archive',
  'ends before': 'ends before the snapshot: what was written behind the snapshot is lost',
  another: 'has another entry where the snapshot ends: what was written behind the snapshot is lost',
}

/**
 * Finds out what there is to restore. Changes nothing.
 *
 * @throws BorealError `not_found` when there is nothing, `invalid_field` when it is not clear which store is meant
 */
export async function planRestore(context: StoresContext, request: RestoreRequest): Promise<RestorePlan> {
  const { stores, objects } = context
  const { name, from, source = objects } = request
  const registered = await stores.find(name)
  const lostId = request.storeId ?? registered?.storeId ?? (await onlyLost(context, source))
  const snapshot = await snapshotOf(context, source, lostId, from)
  const log = await logBehind(stores.events(lostId), snapshot)
  const registeredEnd = registered === undefined ? 'none' : await endOf(stores.events(registered.storeId), registered)
  return { name, lostId, registered, registeredEnd, snapshot, source, log }
}

async function endOf(log: EventLog, { startsAt }: Registration): Promise<string> {
  const first = [startsAt, (await log.head()).trimmedTo + 1]
  for (const from of first) {
    if ((await log.get(from)) !== undefined) return `up to about LSN ${await findEnd(log, from)}`
  }
  return 'gone'
}

/** The one store that has snapshots and that the table does not know. */
async function onlyLost({ stores }: StoresContext, source: ObjectStore): Promise<string> {
  const lost: { storeId: string; lsn: number; time: number }[] = []
  for await (const storeId of storeIds(source)) {
    if (await stores.has(storeId)) continue
    const newest = await newestVerified(source, storeId)
    if (newest?.manifest !== undefined) lost.push({ storeId, lsn: newest.lsn, time: newest.manifest.entryTime })
  }
  if (lost.length === 1) return lost[0]!.storeId
  if (lost.length === 0)
    throw new BorealError('not_found', 'there is no snapshot of a store that the table does not have')
  const list = lost.map(
    ({ storeId, lsn, time }) => `${storeId} (LSN ${lsn}, last entry ${new Date(time).toISOString()})`,
  )
  throw new BorealError(
    'invalid_field',
    `there are snapshots of several stores that the table does not have; say which with --store: ${list.join(', ')}`,
  )
}

async function snapshotOf(
  { base }: StoresContext,
  source: ObjectStore,
  storeId: string,
  from: string,
): Promise<Manifest> {
  if (from !== 'newest') {
    const found = await findSnapshot(source, storeId, from)
    if (found === undefined) throw new BorealError('not_found', `store ${storeId} has no snapshot ${from}`)
    const why = found.manifest === undefined ? 'it has no manifest' : unusableBecause(found.manifest, base)
    if (found.state === 'verified' && why === undefined) return found.manifest!
    throw new BorealError(
      'snapshot_corrupt',
      `snapshot ${from} cannot be used: ${why ?? found.why ?? `it is ${found.state}`}`,
    )
  }
  const passed: string[] = []
  for await (const { id, state, manifest, why } of snapshots(source, storeId)) {
    const unusable = manifest === undefined ? why : unusableBecause(manifest, base)
    if (state === 'verified' && manifest !== undefined && unusable === undefined) return manifest
    passed.push(`${id} (${unusable ?? why ?? state})`)
  }
  const what = passed.length === 0 ? 'there is none' : `there are ${passed.join(', ')}`
  throw new BorealError(
    'not_found',
    `no snapshot of store ${storeId} can be used: ${what}. If there are backups, name where with --from-bucket or ` +
      '--from-objects; a log that was never trimmed is enough without, then just start the node',
  )
}

async function logBehind(log: EventLog, { lsn, hash }: Manifest): Promise<RestorePlan['log']> {
  const [item, next, { trimmedTo }] = [await log.get(lsn), await log.get(lsn + 1), await log.head()]
  if (item?.hash === hash || next?.prev === hash) return 'continues'
  if (item !== undefined) return 'another'
  const later = await log.get(trimmedTo + 1)
  if (trimmedTo > lsn) return later === undefined ? 'gone' : 'begins later'
  return later === undefined && (await log.get(0)) === undefined ? 'gone' : 'ends before'
}
