import { ArchivedLog } from '../archive/archived-log.ts'
import { verifyItem } from '../log/chain.ts'
import { CorruptEntry } from '../log/corrupt-entry.ts'
import type { DynamoRepair } from '../log/dynamo-repair.ts'
import { storedTransactions } from '../log/entry-codec.ts'
import type { LogItem } from '../log/event-log.ts'
import { isStandIn } from '../log/stand-in.ts'
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { Source } from './context.ts'
import { chainHash, type Surroundings, surroundings } from './neighbours.ts'
import { bodyOf } from './slot-health.ts'

/** An entry as another place has it. */
export interface Copy {
  item: LogItem
  body: Uint8Array
}

/** A place that may have another copy of entries: an export, an archive. */
export interface Copies {
  /** What it is, in words. */
  place: string
  find(lsn: number): Promise<Copy | undefined>
}

/** The archive, where a command names a place of copies. */
export const ARCHIVE = 'archive'

/** What can be written, apart from the source, which cannot. */
export interface Mending {
  repair: DynamoRepair
  objects: Pick<ObjectStore, 'put' | 'head'>
}

export interface RepairPlan {
  lsn: number
  failure: string
  /** What would be written. */
  writes: ('item' | 'body')[]
  copy: Copy
  found: Surroundings
}

/** The copies of a source: an export, or another store. */
export function copiesIn({ log, bodies, place }: Source): Copies {
  return {
    place,
    async find(lsn) {
      const slot = await log.slot(lsn)
      if (slot === undefined) return undefined
      try {
        return { item: slot.item, body: await bodyOf(slot.item, bodies) }
      } catch (error) {
        if (error instanceof CorruptEntry) return undefined
        throw error
      }
    },
  }
}

/** The copies of a store's archive; none for what has no objects. */
export function copiesInArchive({ objects, storeId }: Source, logger: Logger): Copies {
  const archive = objects === undefined ? undefined : new ArchivedLog({ objects, storeId, logger })
  return {
    place: ARCHIVE,
    async find(lsn) {
      const copy = await archive?.entry(lsn).catch(ifCorrupt)
      return copy === undefined || isStandIn(copy.item) ? undefined : copy
    },
  }
}

function ifCorrupt(error: unknown): undefined {
  if (!isBorealError(error, 'archive_corrupt')) throw error
}

/**
 * Looks whether an entry is bad and a copy is what was there: unharmed, of this store and slot, with the hash that the
 * chain has at its place.
 *
 * @throws BorealError `precondition_failed` when the entry is intact, or the copy is not the one that was there;
 *   `not_found` when there is no copy
 */
export async function planRepair(source: Source, copies: Copies, lsn: number): Promise<RepairPlan> {
  const found = await surroundings(source, lsn)
  const { failure } = found
  if (failure === undefined)
    throw new BorealError('precondition_failed', `log entry ${lsn} is intact: there is nothing to repair`)
  const copy = await copies.find(lsn)
  if (copy === undefined) throw new BorealError('not_found', `${copies.place} has no entry ${lsn}`)
  const wrong = whyNotTheOne(source.storeId, found, copy, lsn)
  if (wrong !== undefined)
    throw new BorealError(
      'precondition_failed',
      `the entry ${lsn} in ${copies.place} is not the one that was here: ${wrong}`,
    )
  return { lsn, failure, copy, found, writes: await writesOf(source, found, copy) }
}

/** Why a copy cannot be what a slot once held; undefined when it is. */
export function whyNotTheOne(
  storeId: string,
  found: Surroundings,
  { item, body }: Copy,
  lsn: number,
): string | undefined {
  try {
    if (item.lsn !== lsn) return `it is of LSN ${item.lsn}`
    verifyItem(item, storeId)
    storedTransactions(item, body)
  } catch (error) {
    return error instanceof CorruptEntry ? error.failure : messageOf(error)
  }
  if (found.before !== undefined && item.prev !== found.before.hash) return `it does not follow the entry at ${lsn - 1}`
  const expected = chainHash(found)
  if (expected !== undefined) return item.hash === expected ? undefined : 'it has another hash than the chain'
  if (!found.isLast)
    return `the entry at ${lsn + 1} is bad, too: repair that one first, it says which hash belongs here`
  // One bit is wrong in what is there: the rest of it still says whose it was.
  const { attempt, hash } = found.slot!.item
  return item.attempt === attempt || item.hash === hash
    ? undefined
    : 'neither its hash nor its attempt is what the slot says'
}

async function writesOf(source: Source, found: Surroundings, { item, body }: Copy): Promise<('item' | 'body')[]> {
  if (item.bodyKey === undefined) return ['item']
  const there = await source.bodies.get(item.bodyKey).catch(() => undefined)
  const writes: ('item' | 'body')[] = there !== undefined && Buffer.from(there).equals(body) ? [] : ['body']
  return found.health?.state === 'damaged' && found.health.attributesIntact && found.slot?.strange.length === 0
    ? writes
    : [...writes, 'item']
}

/** Carries a plan out. @throws BorealError `precondition_failed` when somebody changed the slot meanwhile */
export async function repair({ lsn, copy, found, writes }: RepairPlan, { repair, objects }: Mending): Promise<void> {
  if (writes.includes('body')) {
    const key = copy.item.bodyKey!
    const there = await objects.head(key)
    await objects.put(key, copy.body, there === undefined ? { ifAbsent: true } : { ifMatch: there.etag })
  }
  if (writes.includes('item')) await repair.replace(found.slot?.item, { ...copy.item, lsn })
}
