/**
 * The one error family of Boreal.
 *
 * Every failure that a caller can see is a `BorealError` with a stable `code`. The HTTP status follows from the code
 * (one table, below), so the library, the wire (RFC 9457 problem+json) and the CLI can never disagree. `detail` says
 * what is wrong with this request and, for operators, what to do next.
 */

/** Stable problem codes and the HTTP status each one carries. Codes are never reused for another meaning. */
export const STATUS_OF_CODE = {
  malformed: 400,
  invalid_field: 400,
  invalid_cursor: 400,
  too_many_operations: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  no_route: 404,
  method_not_allowed: 405,
  precondition_failed: 409,
  already_exists: 409,
  not_finalized: 409,
  confirmation_required: 409,
  idempotency_key_expired: 410,
  store_changed: 410,
  out_of_retention: 410,
  too_large: 413,
  unsupported_media_type: 415,
  constraint_violation: 422,
  idempotency_key_reused: 422,
  query_failed: 422,
  overloaded: 429,
  internal: 500,
  not_available: 501,
  lsn_not_reached: 503,
  not_ready: 503,
  log_unavailable: 503,
  log_corrupt: 503,
  snapshot_corrupt: 503,
  backup_corrupt: 503,
  clock_skew: 503,
  not_leader: 503,
  outcome_unknown: 504,
  deadline_exceeded: 504,
  store_full: 507,
} as const

export type ErrorCode = keyof typeof STATUS_OF_CODE

/** One problem with the input: where it is (`operations.0.tasks`) and what is wrong there. */
export interface FieldError {
  path: string
  message: string
}

export interface ErrorExtras {
  /** Input problems, for `invalid_field` and its kin. */
  errors?: FieldError[]
  /** Failed preconditions, for `precondition_failed`. */
  failed?: unknown[]
  /** Seconds a client should wait before it tries again. */
  retryAfter?: number
  /** Methods that the path takes, for `method_not_allowed`. */
  allow?: string[]
  cause?: unknown
}

/**
 * A failure with a stable code.
 *
 * @example
 * throw new BorealError('not_found', 'no task "t-1"')
 */
export class BorealError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly errors: FieldError[] | undefined
  readonly failed: unknown[] | undefined
  readonly retryAfter: number | undefined
  readonly allow: string[] | undefined

  constructor(code: ErrorCode, detail: string, extras: ErrorExtras = {}) {
    super(detail, extras.cause === undefined ? undefined : { cause: extras.cause })
    this.name = 'BorealError'
    this.code = code
    this.status = STATUS_OF_CODE[code]
    this.errors = extras.errors
    this.failed = extras.failed
    this.retryAfter = extras.retryAfter
    this.allow = extras.allow
  }
}

/** True for a failure with one of these codes (any code when none is named). */
export function isBorealError(error: unknown, ...codes: ErrorCode[]): error is BorealError {
  return error instanceof BorealError && (codes.length === 0 || codes.includes(error.code))
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
