import { messageOf } from './errors.ts'
import type { BorealEvent, FormatVersion } from './events.ts'
import { FORMAT_VERSION } from './format.ts'

/**
 * Every kind of event, and how one of an older version is brought to the current one. The log keeps what was written
 * for ever; everything behind the log sees current shapes only, because an entry is upcast once, when it is decoded.
 *
 * Laws of an upcaster: a pure function of the event it gets, which it does not change: no clock, no chance, no look at
 * a store. It says what the older event meant, so a written upcaster is never changed either.
 */

export type EventKind = BorealEvent['event']

/** From the version that its place in the list says to the next. Gives all fields but `event` and `v`. */
export type Upcaster = (event: never) => object

/** By kind: the upcasters from version 1 to 2, from 2 to 3, and so on. The current version is one more than there are. */
export type EventRegistry = ReadonlyMap<string, readonly Upcaster[]>

/** What is asked of an event before it is known: nothing else can be read of a kind or version that is not ours. */
interface Versioned {
  event: string
  v: number
}

type CurrentVersion<K extends EventKind> = Extract<BorealEvent, { event: K }>['v']

/** As many upcasters as lead from version 1 to `V`. */
type UpcastersTo<V extends number, List extends Upcaster[] = []> = [...List, Upcaster]['length'] extends V
  ? Readonly<List>
  : UpcastersTo<V, [...List, Upcaster]>

/** A kind without its upcasters does not compile: neither a new kind nor a new version can be forgotten. */
const UPCASTERS: { [K in EventKind]: UpcastersTo<CurrentVersion<K>> } = {
  tasksSaved: [],
  tasksRemoved: [],
  cronJobSaved: [],
  cronJobRemoved: [],
  quotaSaved: [],
  quotaRemoved: [],
  hostAttributesSaved: [],
  hostAttributesRemoved: [],
  hostMaintenanceSaved: [],
  hostMaintenanceRemoved: [],
  jobUpdateSaved: [],
  jobUpdateEventsSaved: [],
  jobUpdatesRemoved: [],
  lockSaved: [],
  lockRemoved: [],
  schedulerSaved: [],
  rowsPut: [],
  rowsRemoved: [],
  horizonMoved: [],
  formatVersion: [],
}

/** The kinds and versions that this build knows. */
export const EVENT_REGISTRY: EventRegistry = new Map(Object.entries(UPCASTERS))

/** The current version of a kind; `undefined` when the registry does not have it. */
export function currentVersion(registry: EventRegistry, kind: string): number | undefined {
  const upcasters = registry.get(kind)
  return upcasters === undefined ? undefined : upcasters.length + 1
}

/** An event that this build cannot read. The message says what is wrong with it, as the end of "it has …". */
export class UnreadableEvent extends Error {
  /** Absent when it does not even say so. */
  readonly kind: string | undefined
  readonly version: number | undefined
  /** Whether a newer build can read it: nothing is wrong with the log then. */
  readonly newer: boolean

  constructor(message: string, event: Partial<Versioned>, options: { newer?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'UnreadableEvent'
    this.kind = event.event
    this.version = event.v
    this.newer = options.newer ?? false
  }
}

/**
 * An event as the log holds it, in the current version of its kind: itself, unless it is older.
 *
 * @throws UnreadableEvent
 */
export function upcastEvent(stored: unknown, registry: EventRegistry = EVENT_REGISTRY): BorealEvent {
  const event = versioned(stored)
  const upcasters = registry.get(event.event)
  if (upcasters === undefined) {
    const what = `an event ${JSON.stringify(event.event)} (version ${event.v}), a kind this build does not know`
    throw new UnreadableEvent(what, event, { newer: true })
  }
  const current = upcasters.length + 1
  if (event.v > current) {
    const what = `an event ${event.event} of version ${event.v}, while this build knows versions up to ${current}`
    throw new UnreadableEvent(what, event, { newer: true })
  }
  const known = (event.v === current ? event : upcast(event, upcasters)) as BorealEvent
  if (known.event === 'formatVersion') assertKnownFormat(known)
  return known
}

/** What comes behind it may be of shapes that nobody here has heard of: better to stop where it says so. */
function assertKnownFormat(event: FormatVersion): void {
  if (!(event.format > FORMAT_VERSION)) return
  const what = `the store finalized to format ${event.format}, while this build knows formats up to ${FORMAT_VERSION}`
  throw new UnreadableEvent(what, event, { newer: true })
}

function versioned(stored: unknown): Versioned {
  const { event, v } = (stored ?? {}) as Partial<Versioned>
  if (typeof event !== 'string') throw new UnreadableEvent('an event that does not say its kind', {})
  if (typeof v !== 'number' || !Number.isInteger(v) || v < 1) {
    throw new UnreadableEvent(`an event ${JSON.stringify(event)} that does not say its version`, { event })
  }
  return stored as Versioned
}

function upcast(stored: Versioned, upcasters: readonly Upcaster[]): Versioned {
  let event = stored
  try {
    while (event.v <= upcasters.length) {
      const { event: kind, v } = event
      event = { ...upcasters[v - 1]!(event as never), event: kind, v: v + 1 }
    }
    return event
  } catch (error) {
    const what = `an event ${event.event} of version ${event.v} that cannot be brought to version ${event.v + 1}`
    throw new UnreadableEvent(`${what} (${messageOf(error)})`, stored, { cause: error })
  }
}
