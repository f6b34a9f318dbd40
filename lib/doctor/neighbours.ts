import type { LogItem } from '../log/event-log.ts'
import type { Slot } from '../log/inspection.ts'
import type { Source } from './context.ts'
import { breakBetween, healthOf, type SlotHealth } from './slot-health.ts'
import { firstBehind } from './walk.ts'

/** A slot with those beside it, and what can be said of it from that. */
export interface Surroundings {
  slot: Slot | undefined
  health: SlotHealth | undefined
  /** The items beside it, where they are intact by themselves. */
  before: LogItem | undefined
  after: LogItem | undefined
  /** Whether there is anything behind it. */
  isLast: boolean
  /** What is wrong with it; undefined when nothing is. */
  failure: string | undefined
}

/**
 * Looks at one slot. An entry that is intact by itself is wrong when the one behind it names another predecessor; the
 * last one, when it names another predecessor than the one before it.
 */
export async function surroundings({ log, storeId, bodies }: Source, lsn: number): Promise<Surroundings> {
  const at = async (place: number) => {
    const slot = place < 0 ? undefined : await log.slot(place)
    return { slot, health: slot === undefined ? undefined : await healthOf(slot, storeId, bodies) }
  }
  const [before, here, after] = [await at(lsn - 1), await at(lsn), await at(lsn + 1)]
  const found: Surroundings = {
    ...here,
    before: chained(before),
    after: chained(after),
    isLast: after.slot === undefined && (await firstBehind(log, lsn)) === undefined,
    failure: undefined,
  }
  found.failure = failureOf(found)
  return found
}

/** The item, if its place in the chain can be believed: a damaged body leaves that whole. */
function chained({ slot, health }: { slot: Slot | undefined; health: SlotHealth | undefined }): LogItem | undefined {
  if (slot === undefined || health === undefined || health.state === 'tombstone') return undefined
  return health.state === 'damaged' && !health.attributesIntact ? undefined : slot.item
}

function failureOf({ slot, health, before, after, isLast }: Surroundings): string | undefined {
  if (slot === undefined) return isLast ? undefined : 'it is missing'
  if (health?.state === 'damaged') return health.why
  if (health?.state !== 'intact') return undefined
  const { item } = slot
  if (after !== undefined) return after.prev === item.hash ? undefined : `the entry at ${after.lsn} follows another one`
  return before === undefined ? undefined : breakBetween(before, item)
}

/** The hash that the chain has at a slot: of the entry that was once there. Undefined when nothing says so. */
export function chainHash({ slot, health, after }: Surroundings): string | undefined {
  if (after !== undefined) return after.prev
  return slot !== undefined && health?.state === 'damaged' && health.attributesIntact ? slot.item.hash : undefined
}
