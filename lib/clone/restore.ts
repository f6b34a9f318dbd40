import type { StoredEntry } from '../log/archived-entries.ts'
import type { LogMark } from '../log/chain.ts'
import { CorruptEntry, LogTrimmed } from '../log/corrupt-entry.ts'
import { Log } from '../log/log.ts'
import { asideName, checkName, type Registration } from '../log/registration.ts'
import { StoreSealed, sealLog } from '../log/seal.ts'
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import type { EntrySource, StoresContext } from './context.ts'
import { forgetNote, makeStore } from './make-store.ts'
import type { RestorePlan } from './restore-plan.ts'

export interface Restored {
  registration: Registration
  /** Where the snapshot ended. */
  snapshotLsn: number
  /** The last entry that could be had. */
  lsn: number
  /** What stopped it before the end of what there is; undefined when nothing did. */
  stoppedBy: string | undefined
}

/**
 * Makes a new store in the place of a lost one: from a snapshot, and what can be had of the entries behind it. It keeps
 * the idempotency keys, and has a store id of its own: whoever knows the lost one by its id, or by a cursor, is told so.
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
  const { name, lostId, registered, snapshot, source } = plan
  checkName(name)
  const ended = await endOld(context, plan)
  const old = new Set([lostId, ...(registered === undefined ? [] : [registered.storeId])])
  for (const storeId of old) await endLog(context, storeId, [snapshot.lsn, registered?.startsAt ?? 0])
  let stoppedBy: string | undefined
  const found = entriesOf(context, plan, archive, (why) => {
    stoppedBy = why
    logger.warn('what lies behind this cannot be restored', { store: lostId, reason: why })
  })
  const made = await makeStore(context, {
    ...{ name, kind: 'restore', parentId: lostId },
    base: { lsn: snapshot.lsn, hash: snapshot.hash, time: snapshot.entryTime },
    snapshot: { objects: source, manifest: snapshot },
    entries: found,
    upTo: Number.POSITIVE_INFINITY,
  })
  if (ended !== undefined) await stores.add({ ...ended, name: asideName(name, ended.storeId) })
  const isOurs = registered === undefined ? await stores.add(made) : await stores.replace(made, registered.storeId)
  if (!isOurs) {
    throw new BorealError(
      'already_exists',
      `${JSON.stringify(name)} means another store by now: look at boreal store list`,
    )
  }
  await forgetNote(context, made)
  return { registration: made, snapshotLsn: snapshot.lsn, lsn: made.origin!.lsn, stoppedBy }
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
  { lostId, log, source }: RestorePlan,
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
