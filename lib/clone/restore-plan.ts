import { findEnd } from '../log/end.ts'
import type { EventLog } from '../log/event-log.ts'
import type { Registration } from '../log/registration.ts'
import { BorealError, isBorealError } from '../model/errors.ts'
import { storeIds } from '../snapshot/store-ids.ts'
import type { StoresContext } from './context.ts'
import { type BasesPlace, type RestoreBase, restoreBases } from './restore-bases.ts'

export interface RestoreRequest {
  /** The name under which it is to be. */
  name: string
  /** Id of the snapshot or backup, or `newest`. */
  from: string
  /** Where the snapshots or backups are, if not where the snapshots of the new store will be. */
  source?: BasesPlace | undefined
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
  /** What it begins with, and what is tried next when a part of that is damaged. */
  bases: [RestoreBase, ...RestoreBase[]]
  source: BasesPlace
  /** What there is of the log of the store that the name means now, in words. */
  registeredEnd: string
  /** Whether the table has the lost store's log where the first of them ends: then what is behind it is carried over. */
  log: LogBehind
}

export type LogBehind = 'continues' | 'gone' | 'begins later' | 'ends before' | 'another'

/** What the table has of the log behind a snapshot, in words. */
export const LOG_WORDS: Record<LogBehind, string> = {
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
  const { stores, objects, base } = context
  const { name, from, source = { objects, areBackups: false } } = request
  const registered = await stores.find(name)
  const lostId = request.storeId ?? registered?.storeId ?? (await onlyLost(context, source))
  const bases = await restoreBases(source, lostId, from, base)
  const log = await logBehind(stores.events(lostId), bases[0])
  const registeredEnd = registered === undefined ? 'none' : await endOf(stores.events(registered.storeId), registered)
  return { name, lostId, registered, registeredEnd, bases, source, log }
}

async function endOf(log: EventLog, { startsAt }: Registration): Promise<string> {
  const first = [startsAt, (await log.head()).trimmedTo + 1]
  for (const from of first) {
    if ((await log.get(from)) !== undefined) return `up to about LSN ${await findEnd(log, from)}`
  }
  return 'gone'
}

/** The one store that something is there of and that the table does not know. */
async function onlyLost({ stores, base }: StoresContext, source: BasesPlace): Promise<string> {
  const lost: { storeId: string; lsn: number; time: number }[] = []
  for await (const storeId of storeIds(source.objects)) {
    if (await stores.has(storeId)) continue
    const [newest] = await restoreBases(source, storeId, 'newest', base).catch(noneOf)
    if (newest !== undefined) lost.push({ storeId, lsn: newest.lsn, time: newest.entryTime })
  }
  if (lost.length === 1) return lost[0]!.storeId
  if (lost.length === 0)
    throw new BorealError(
      'not_found',
      `there is no ${source.areBackups ? 'backup' : 'snapshot'} that can be used of a store that the table does not have`,
    )
  const list = lost.map(
    ({ storeId, lsn, time }) => `${storeId} (LSN ${lsn}, last entry ${new Date(time).toISOString()})`,
  )
  throw new BorealError(
    'invalid_field',
    `there are ${source.areBackups ? 'backups' : 'snapshots'} of several stores that the table does not have; say which with --store: ${list.join(', ')}`,
  )
}

function noneOf(error: unknown): RestoreBase[] {
  if (isBorealError(error, 'not_found')) return []
  throw error
}

/** What the table has of a log behind a place. */
export async function logBehind(log: EventLog, { lsn, hash }: Pick<RestoreBase, 'lsn' | 'hash'>): Promise<LogBehind> {
  const [item, next, { trimmedTo }] = [await log.get(lsn), await log.get(lsn + 1), await log.head()]
  if (item?.hash === hash || next?.prev === hash) return 'continues'
  if (item !== undefined) return 'another'
  const later = await log.get(trimmedTo + 1)
  if (trimmedTo > lsn) return later === undefined ? 'gone' : 'begins later'
  return later === undefined && (await log.get(0)) === undefined ? 'gone' : 'ends before'
}
