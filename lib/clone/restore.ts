import type { StoredEntry } from '../log/archived-entries.ts'
import type { LogMark } from '../log/chain.ts'
import { CorruptEntry, LogTrimmed } from '../log/corrupt-entry.ts'
import { Log } from '../log/log.ts'
import { asideName, checkName, type Registration } from '../log/registration.ts'
import { StoreSealed, sealLog } from '../log/seal.ts'
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { copySnapshot } from '../snapshot/copy.ts'
import type { EntrySource, StoresContext } from './context.ts'
import { imageFromDump } from './dumped-image.ts'
import { forgetNote, makeStore } from './make-store.ts'
import { objectsOf, type RestoreBase } from './restore-bases.ts'
import { type LogBehind, logBehind, type RestorePlan } from './restore-plan.ts'

export interface Restored {
  registration: Registration
  /** What it began with, in words, and where that ended. */
  from: string
  snapshotLsn: number
  /** The last entry that could be had. */
  lsn: number
  /** What stopped it before the end of what there is; undefined when nothing did. */
  stoppedBy: string | undefined
}

/**
 * Makes a new store in the place of a lost one: from the first image or dump of the plan that is sound, and what can be had
 * of the entries behind it. It keeps the idempotency keys, and has a store id of its own: whoever knows the lost one by its id, or by a cursor, is told so.
 *
 * The lost store's log ends first, if there is one, so that nobody goes on writing to what is about to be replaced. Stopped
 * on the way, it is completed by being asked for again; nothing that is there is deleted.
 *
 * @param archive entries of the lost store that the table does not have any more
 */
export async function restoreStore(
  context: StoresContext,
  plan: RestorePlan,
  { archive }: { archive?: EntrySource | undefined } = {},
): Promise<Restored> {
  const { stores, logger } = context
  const { name, lostId, registered, bases } = plan
  checkName(name)
  const ended = await endOld(context, plan)
  const old = new Set([lostId, ...(registered === undefined ? [] : [registered.storeId])])
  for (const storeId of old) await endLog(context, storeId, [bases[0].lsn, registered?.startsAt ?? 0])
  const { made, base, stoppedBy } = await makeFromBest(context, plan, archive)
  if (stoppedBy !== undefined) {
    logger.warn('what lies behind this cannot be restored', { store: lostId, reason: stoppedBy })
  }
  if (ended !== undefined) await stores.add({ ...ended, name: asideName(name, ended.storeId) })
  const isOurs = registered === undefined ? await stores.add(made) : await stores.replace(made, registered.storeId)
  if (!isOurs) {
    throw new BorealError(
      'already_exists',
      `${JSON.stringify(name)} means another store by now: look at boreal store list`,
    )
  }
  await forgetNote(context, made)
  return { registration: made, from: base.what, snapshotLsn: base.lsn, lsn: made.origin!.lsn, stoppedBy }
}

interface Made {
  made: Registration
  base: RestoreBase
  stoppedBy: string | undefined
}

/** A part of an image or dump that is damaged is found when it is read: then the next one is tried. */
async function makeFromBest(
  context: StoresContext,
  plan: RestorePlan,
  archive: EntrySource | undefined,
): Promise<Made> {
  let failure: unknown
  for (const base of plan.bases) {
    if (failure !== undefined) context.logger.warn('trying the next one', { store: plan.lostId, from: base.what })
    try {
      return await makeFrom(context, plan, base, archive)
    } catch (error) {
      if (!isBorealError(error, 'snapshot_corrupt', 'backup_corrupt', 'migration_failed')) throw error
      context.logger.warn('a store cannot be made from this', {
        ...{ store: plan.lostId, from: base.what, lsn: base.lsn, error: error.message },
      })
      failure = error
    }
  }
  throw failure
}

async function makeFrom(
  context: StoresContext,
  plan: RestorePlan,
  base: RestoreBase,
  archive: EntrySource | undefined,
): Promise<Made> {
  const { stores } = context
  const { name, lostId, source } = plan
  const { lsn, hash, entryTime, image, dump } = base
  const log = await logBehind(stores.events(lostId), base)
  let stoppedBy: string | undefined
  const entries = entriesOf(context, { lostId, log, source: objectsOf(source) }, archive, (why) => {
    stoppedBy = why
  })
  const { logger } = context
  const made = await makeStore(context, {
    ...{ name, kind: 'restore', parentId: lostId, base: { lsn, hash, time: entryTime }, entries },
    begin: (copying, target) =>
      dump === undefined
        ? copySnapshot(copying, { objects: objectsOf(source), manifest: image }, target)
        : imageFromDump({ ...copying, logger }, { backups: source.objects, document: dump }, target),
    upTo: Number.POSITIVE_INFINITY,
  })
  return { made, base, stoppedBy }
}

/** What the name means until now is not to be started any more. */
async function endOld({ stores }: StoresContext, { registered, name }: RestorePlan): Promise<Registration | undefined> {
  if (registered === undefined) return undefined
  const atMs = Math.round(stores.now())
  const ended: Registration = {
    ...registered,
    state: 'sealed',
    ended: registered.ended ?? { because: 'replaced', atMs },
  }
  if (await stores.replace(ended, registered.storeId)) return ended
  throw new BorealError(
    'already_exists',
    `${JSON.stringify(name)} means another store by now: look at boreal store list`,
  )
}

/** Ends a log of which something is there, wherever it begins by now. */
async function endLog({ stores, runtime }: StoresContext, storeId: string, candidates: number[]): Promise<void> {
  const log = stores.events(storeId)
  for (const from of [...candidates, (await log.head()).trimmedTo + 1]) {
    if ((await sealLog(log, { storeId, from, because: 'replaced', runtime })) !== undefined) return
  }
}

/** The entries behind a place, as far as they can be had and believed: of the log in the table, or of the archive. */
function entriesOf(
  { stores, objects, runtime, logger }: StoresContext,
  { lostId, log, source }: { lostId: string; log: LogBehind; source: ObjectStore },
  archive: EntrySource | undefined,
  onStop: (why: string) => void,
): EntrySource {
  const bodies = {
    put: objects.put.bind(objects),
    // Bodies that a backup has, and else those of the lost store itself.
    get: async (key: string) =>
      source.get(key).catch((error) => (source === objects ? Promise.reject(error) : objects.get(key))),
  }
  const there = new Log(stores.events(lostId), { storeId: lostId, bodies, runtime, logger })
  return async function* (from: LogMark): AsyncGenerator<StoredEntry[]> {
    let mark = from
    const sources = [
      ...(archive === undefined ? [] : [archive]),
      // An archive may reach to where the log begins.
      ...(log === 'continues' || (archive !== undefined && log === 'begins later')
        ? [(at: LogMark) => there.stored(at)]
        : []),
    ]
    for (const entries of sources) {
      try {
        for await (const page of entries(mark)) {
          yield page
          const { lsn, hash, time } = page.at(-1)!.item
          mark = { lsn, hash, time }
        }
      } catch (error) {
        // Behind the seal there is nothing; a damaged entry is the end of what can be believed.
        if (error instanceof StoreSealed) continue
        const isEnd =
          error instanceof CorruptEntry || error instanceof LogTrimmed || isBorealError(error, 'archive_corrupt')
        if (!isEnd) throw error
        onStop(messageOf(error))
      }
    }
  }
}
