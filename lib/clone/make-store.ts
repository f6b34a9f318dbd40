import { type LogMark, markOf } from '../log/chain.ts'
import { genesisItem } from '../log/entry-codec.ts'
import type { Origin } from '../log/genesis.ts'
import { asideName, type Registration } from '../log/registration.ts'
import type { CopyContext, CopyTarget } from '../snapshot/copy.ts'
import { carryEntries, putItem } from './carry.ts'
import type { EntrySource, StoresContext } from './context.ts'

/** A store that goes on behind another one. */
export interface NewStore {
  name: string
  kind: Origin['kind']
  parentId: string
  /** The parent at the place from which on its entries are carried over: that of the snapshot, or its genesis. */
  base: LogMark
  /** Gives the new store its first verified snapshot, of the parent at `base`; absent: it begins with the empty store. */
  begin?: ((context: CopyContext, target: CopyTarget) => Promise<unknown>) | undefined
  /** The parent's entries behind `base`. */
  entries: EntrySource
  /** The last entry that the new store has of its parent: it leaves it there. With `Infinity`, where they end. */
  upTo: number
  /** Time of that entry, ms; a clone forgets keys up to it. */
  forgets?: number | undefined
}

/**
 * Makes a store: copies the snapshot into its prefix, and writes its log, genesis first. Nothing of the parent is needed
 * once it is done. Until somebody registers it no name means it: whoever is stopped on the way leaves a note beside what
 * he has written, by which it is deleted later (`sweepStores`).
 *
 * @returns the registration, to be added under its name; then `forgetNote`
 */
export async function makeStore(context: StoresContext, plan: NewStore): Promise<Registration> {
  const { stores, objects, runtime } = context
  const { name, kind, parentId, base, begin, entries, upTo, forgets } = plan
  const storeId = runtime.newId()
  const note: Registration = {
    name: asideName(name, storeId),
    storeId,
    state: 'making',
    createdMs: stores.now(),
    startsAt: base.lsn,
    origin: { kind, storeId: parentId, lsn: base.lsn },
  }
  await stores.add(note)
  // Slots below the genesis are not there, and it is not enough to boot from: like those of a log that was trimmed. First
  // of all, so that nobody takes what is written to the objects for that of a store that the table has lost.
  await stores.createHead(storeId, base.lsn)
  const genesis = genesisItem(storeId, base.time, { kind, storeId: parentId, lsn: base.lsn, hash: base.hash })
  if (begin !== undefined) {
    const log = { now: () => stores.now(), writer: storeId }
    const copying = { objects, base: context.base, newId: runtime.newId, boot: context.boot, log }
    await begin(copying, { storeId, hash: genesis.hash, forgets })
  }
  const events = stores.events(storeId)
  await putItem(genesis, { events, runtime })
  const end = await carryEntries(
    entries(base),
    { storeId, events, bodies: objects, runtime },
    {
      from: markOf(genesis),
      upTo,
      forgetKeys: kind === 'clone',
      closing: begin === undefined && forgets !== undefined ? movedHorizon(runtime.newId(), forgets) : undefined,
    },
  )
  return { ...note, name, state: 'open', origin: { kind, storeId: parentId, lsn: end.lsn } }
}

/** The store is registered, or will never be: what was noted for the case that we are stopped is not needed any more. */
export async function forgetNote({ stores }: StoresContext, { name, storeId }: Registration): Promise<void> {
  const note = await stores.find(asideName(name, storeId))
  if (note?.state === 'making') await stores.remove(note)
}

/** Without a snapshot there is no image to forget the keys in: then the log says so. */
function movedHorizon(id: string, forgets: number) {
  const moved = { event: 'horizonMoved' as const, v: 1 as const, timeMs: forgets + 1, beforeLsn: 0 }
  return { id, actor: 'boreal', reason: 'clone', events: [moved], results: [] }
}
