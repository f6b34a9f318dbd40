import type * as z from 'zod'
import { invalid, type Problem } from '../api/problem.ts'
import { BorealError } from '../model/errors.ts'
import type { Answer } from './session.ts'

/** A record of an answer; undefined when there is none. @throws BorealError for any other problem */
export function recordOf<R>(answer: Answer): R | undefined {
  if (answer.status === 404 && (answer.body as Problem).code === 'not_found') return undefined
  return committed(bodyOf<R>(answer), answer.lsn)
}

/** The items of one page, and the cursor of the next. @throws BorealError */
export function pageOf<R>(answer: Answer): { items: R[]; nextCursor?: string } {
  const page = bodyOf<{ items: R[]; nextCursor?: string }>(answer)
  for (const item of page.items) committed(item, answer.lsn)
  return page
}

function bodyOf<B>({ status, body }: Answer): B {
  if (status === 200) return body as B
  const { code, detail, errors } = body as Problem
  throw new BorealError(code, detail, errors === undefined ? {} : { errors })
}

/** A record as the closure's own writes leave it has no version yet: nobody knows where it will be in the log. */
function committed<R>(record: R, lsn: number): R {
  const versioned = record as { version?: number }
  if (versioned.version !== undefined && versioned.version > lsn) delete versioned.version
  return record
}

/** Input as its schema gives it. @throws BorealError `invalid_field` */
export function parsed<T extends z.ZodType>(schema: T, value: unknown, where = ''): z.infer<T> {
  const result = schema.safeParse(value)
  if (!result.success) throw invalid(result.error, where)
  return result.data
}
