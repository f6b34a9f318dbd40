import { BorealError, type ErrorCode, type ErrorExtras } from './errors.ts'

/** An error as plain data: what is thrown in one thread cannot be thrown in another. Causes stay behind. */
export interface ErrorData {
  code: ErrorCode
  detail: string
  extras: Omit<ErrorExtras, 'cause'>
}

export function errorData({ code, message, errors, failed, retryAfter, allow }: BorealError): ErrorData {
  const extras: ErrorData['extras'] = {}
  if (errors !== undefined) extras.errors = errors
  if (failed !== undefined) extras.failed = failed
  if (retryAfter !== undefined) extras.retryAfter = retryAfter
  if (allow !== undefined) extras.allow = allow
  return { code, detail: message, extras }
}

export function errorOf({ code, detail, extras }: ErrorData): BorealError {
  return new BorealError(code, detail, extras)
}
