import { BorealError, messageOf } from '../model/errors.ts'

/** The log, or what belongs to it, does not answer. */
export function unavailable(what: string, cause: unknown): BorealError {
  return new BorealError('log_unavailable', `${what}: ${messageOf(cause)}`, { cause, retryAfter: 1 })
}
