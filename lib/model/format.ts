/**
 * The format of a store: which events may be written to its log. Builds read more than they write, so that a release can
 * be rolled back: what is new is written only after the store was finalized (`boreal upgrade finalize`), by a logged event
 * that every build since the first knows, and at which those stop that do not know the format it names.
 */

/**
 * The newest format that this build writes, and the last one that it reads.
 *
 * 1: what the first release writes.
 * 2: hosts can be removed (`hostAttributesRemoved`).
 */
export const FORMAT_VERSION = 2

/** The format of a log in which no event names one. */
export const FIRST_FORMAT = 1
