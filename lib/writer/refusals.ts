import { BorealError } from '../model/errors.ts'

/** What a client is told whose transaction the writer could not see through. */

/** It was not sent, and the log cannot be reached. */
export function away(): BorealError {
  return new BorealError('log_unavailable', 'the log does not answer; nothing was done, send it again', {
    retryAfter: 1,
  })
}

/** It was not sent in time. */
export function notInTime(): BorealError {
  return new BorealError('deadline_exceeded', 'the transaction was not carried out in time')
}

/** It may have been sent. */
export function outcomeUnknown(): BorealError {
  return new BorealError(
    'outcome_unknown',
    'it is not known whether the transaction was committed; send it again with the same Idempotency-Key, ' +
      'or ask GET /v1/transactions/{key}',
  )
}
