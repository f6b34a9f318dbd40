import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb'
import { messageOf } from '../model/errors.ts'
import type { PutOutcome } from './event-log.ts'

/** Errors of connecting that mean that no byte of the request reached a server. */
const UNSENT_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL'])

/** Client errors after which the request may still be, or may become, applied. */
const UNKNOWN_NAMES = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'TransactionConflictException',
])

/** What a failed put, other than a failed condition, says about whether it was applied. */
export function classifyFailure(cause: unknown): PutOutcome {
  const error = cause instanceof Error ? cause : new Error(messageOf(cause))
  if (isUnsent(error)) return { kind: 'unsent', error }
  const refused =
    error instanceof DynamoDBServiceException &&
    error.$fault === 'client' &&
    (error.$metadata.httpStatusCode ?? 500) < 500 &&
    !UNKNOWN_NAMES.has(error.name)
  // Missing or rejected credentials fail before anything is sent, or are refused by the server.
  if (refused || error.name === 'CredentialsProviderError') return { kind: 'refused', error }
  return { kind: 'unknown', error }
}

function isUnsent(error: Error & { code?: unknown; syscall?: unknown }): boolean {
  // The same codes from a connection that stood (`read`, `write`) come after the request may have been carried out.
  const connecting = error.syscall === 'connect' || error.syscall === 'getaddrinfo'
  if (connecting && typeof error.code === 'string' && UNSENT_CODES.has(error.code)) return true
  // With several addresses (::1 and 127.0.0.1) Node reports the attempts together.
  return (
    error instanceof AggregateError && error.errors.length > 0 && error.errors.every((each) => isUnsent(each as Error))
  )
}
