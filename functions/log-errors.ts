import type { MiddlewareObj } from '@middy/core'
import { isBorealError } from '../lib/model/errors.ts'

/** Hears of every request that the log did not carry out in time, refused, or could not answer: what an alarm counts. */
export function onLogError(count: () => void): MiddlewareObj {
  return {
    onError: ({ error }) => {
      if (isBorealError(error, 'log_unavailable', 'outcome_unknown', 'log_corrupt', 'clock_skew')) count()
    },
  }
}
