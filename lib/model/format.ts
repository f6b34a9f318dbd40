import { BorealError } from './errors.ts'

/**
 * The format of a store: which events may be written to its log. Builds read more than they write, so that a release can
 * be rolled back: what is new is written only after the store was finalized (`boreal upgrade finalize`), by a logged event
 * that every build since the first knows, and at which those stop that do not know the format it names.
 */

/**
 * The newest format that this build writes, and the last one that it reads.
 *
 * 1: what the first release writes.
 * 2: hosts can be removed (`hostAttributesRemoved`); a store can be made like an earlier state of it (`rowsPut`,
 *    `rowsRemoved`, in frames when there are many).
 */
export const FORMAT_VERSION = 2

/** By kind: the format since which each of its versions may be written. Those that are not named belong to the first. */
const WRITTEN_SINCE: Record<string, readonly number[]> = {
  hostAttributesRemoved: [2],
  rowsPut: [2],
  rowsRemoved: [2],
}

/** The format that a store must have for an event to be written to its log. */
export function formatOf({ event, v }: { event: string; v: number }): number {
  return WRITTEN_SINCE[event]?.[v - 1] ?? FIRST_FORMAT
}

/** @throws BorealError `not_finalized` when older builds, which may still be running, could not read the event */
export function assertWritable(event: { event: string; v: number }, format: number): void {
  const needed = formatOf(event)
  if (needed <= format) return
  throw new BorealError(
    'not_finalized',
    `this needs format ${needed}, and the store has format ${format}, so that builds of the last release can still read ` +
      'its log. When no node runs one any more: boreal upgrade finalize',
  )
}

/** The format of a log in which no event names one. */
export const FIRST_FORMAT = 1
