import { BorealError } from '../model/errors.ts'
import type { UnreadableEvent } from '../model/event-registry.ts'

/**
 * The log cannot be followed past this LSN. A store that meets it stops there; nothing is ever skipped silently.
 */
export class CorruptEntry extends BorealError {
  readonly lsn: number
  /** What is wrong, without the advice. */
  readonly failure: string

  constructor(lsn: number, failure: string, options: { advice?: string; cause?: unknown } = {}) {
    const { advice = 'Run `boreal doctor` for the extent of the damage, and what to do.', cause } = options
    super('log_corrupt', `log entry ${lsn} cannot be used: ${failure}. ${advice}`, { cause })
    this.name = 'CorruptEntry'
    this.lsn = lsn
    this.failure = failure
  }
}

/** An entry that is unharmed, with an event that this build cannot read. */
export class UnreadableEntry extends CorruptEntry {
  /** Kind of the event, and its version; absent when it does not say. */
  readonly kind: string | undefined
  readonly version: number | undefined

  constructor(lsn: number, transaction: number, event: UnreadableEvent) {
    const options = event.newer ? { advice: 'A newer build wrote it: run that one.' } : {}
    super(lsn, `its transaction ${transaction} has ${event.message}`, { ...options, cause: event })
    this.name = 'UnreadableEntry'
    this.kind = event.kind
    this.version = event.version
  }
}

/** The entries after this store's LSN were trimmed: the log alone does not lead on from here. */
export class LogTrimmed extends BorealError {
  readonly lsn: number

  constructor(lsn: number) {
    super(
      'not_ready',
      `log entry ${lsn} was trimmed; a store can only start from a snapshot at or above it. ` +
        'Restore one, or start a node that has it.',
    )
    this.name = 'LogTrimmed'
    this.lsn = lsn
  }
}
