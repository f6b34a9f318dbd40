import { BorealError } from '../model/errors.ts'

/**
 * The log cannot be followed past this LSN. A store that meets it stops there; nothing is ever skipped silently.
 */
export class CorruptEntry extends BorealError {
  readonly lsn: number
  /** What is wrong, without the advice. */
  readonly failure: string

  constructor(lsn: number, failure: string) {
    super(
      'log_corrupt',
      `log entry ${lsn} cannot be used: ${failure}. Run \`boreal log verify\` for the extent of the damage.`,
    )
    this.name = 'CorruptEntry'
    this.lsn = lsn
    this.failure = failure
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
