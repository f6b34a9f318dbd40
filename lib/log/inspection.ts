import { systemRuntime } from '../model/runtime.ts'
import type { EventLog, LogItem } from './event-log.ts'

/**
 * The port of those who look into a log and change nothing: what is there, as it is, whether or not it can be believed.
 * There is no way to write through it.
 */
export interface LogInspection {
  readonly storeId: string
  /** One slot; undefined when it is empty. */
  slot(lsn: number): Promise<Slot | undefined>
  /** Slots after `after` of the same bucket, in order, a page; none at the end of the bucket. */
  slots(after: number): Promise<Slot[]>
  /** The head item; undefined when it is missing. */
  head(): Promise<InspectedHead | undefined>
  /** What the table says that the store's name means; undefined where nothing says so. */
  registration(): Promise<InspectedRegistration | undefined>
}

/** One slot as it is stored. */
export interface Slot {
  item: LogItem
  /** Attributes that we would have written otherwise; no checksum covers how a value is written. */
  strange: string[]
}

export interface InspectedHead {
  trimmedTo: number
  quarantined: string | undefined
  /** What it should have and has not. */
  strange: string[]
}

export interface InspectedRegistration {
  name: string
  storeId: string | undefined
  state: string | undefined
  createdMs: number | undefined
}

/** What is inspected as the log that the protocol reads (`Log`). Appends are refused. */
export function readOnlyLog(inspection: LogInspection): EventLog {
  return {
    serverClock: { now: () => systemRuntime.now(), skewMs: undefined },
    get: async (lsn) => (await inspection.slot(lsn))?.item,
    read: async (after) => (await inspection.slots(after)).map(({ item }) => item),
    head: async () => (await inspection.head()) ?? { trimmedTo: 0 },
    put: async () => ({ kind: 'refused', error: new Error('this log is opened for reading only') }),
    close: () => undefined,
  }
}
