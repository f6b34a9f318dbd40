import * as z from 'zod'
import { BorealError, type ErrorCode, STATUS_OF_CODE } from '../model/errors.ts'

/** Errors on the wire: problem+json (RFC 9457) with our stable `code`. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(Object.keys(STATUS_OF_CODE) as [ErrorCode, ...ErrorCode[]]),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  failed: z.array(z.object({ index: z.int(), expected: z.unknown(), found: z.unknown() })).optional(),
})

export type Problem = z.infer<typeof problem>

export const PROBLEM_TYPE = 'application/problem+json'

/** A failure as a problem. What is not ours is an internal error, and its message stays inside. */
export function problemOf(error: unknown): Problem {
  const known =
    error instanceof BorealError && error.code !== 'internal'
      ? error
      : new BorealError('internal', 'something went wrong inside; the log of the server has the details')
  return {
    type: `https://boreal.dev/problems/${known.code}`,
    title: titleOf(known.code),
    status: known.status,
    code: known.code,
    detail: known.message,
    ...(known.errors === undefined ? {} : { errors: known.errors }),
    ...(known.failed === undefined ? {} : { failed: known.failed as NonNullable<Problem['failed']> }),
  }
}

/** `precondition_failed` → "Precondition failed". */
function titleOf(code: ErrorCode): string {
  const words = code.replaceAll('_', ' ')
  return words[0]!.toUpperCase() + words.slice(1)
}

/** Zod's findings as our error. */
export function invalid(error: z.ZodError, where: string): BorealError {
  const errors = error.issues.slice(0, 20).map((issue) => ({
    path: [where, ...issue.path].filter((part) => part !== '').join('.'),
    message: issue.message,
  }))
  const [first] = errors
  return new BorealError('invalid_field', `${first?.path || 'the input'}: ${first?.message}`, { errors })
}
