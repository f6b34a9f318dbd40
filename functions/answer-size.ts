import type { MiddlewareObj } from '@middy/core'
import type { ApiEvent, ApiResult } from '../lib/api/handler.ts'
import { BorealError } from '../lib/model/errors.ts'

/** What Lambda takes as an answer of a function, bytes of its JSON. */
export const MAX_ANSWER_BYTES = 6 * 1024 * 1024

/** At least so many of them are needed for a body to be too large: quoted once more it at most doubles, and some. */
const SURELY_SMALL = MAX_ANSWER_BYTES / 2 - 64 * 1024

/**
 * Refuses answers that Lambda would not take: it would answer 502 and not say why.
 *
 * @throws BorealError `too_large` with what to do
 */
export function answerSize(): MiddlewareObj<ApiEvent, ApiResult> {
  return {
    after: ({ response }) => {
      if (response === null || response === undefined || Buffer.byteLength(response.body) <= SURELY_SMALL) return
      const bytes = Buffer.byteLength(JSON.stringify({ ...response, body: String(response.body) }))
      if (bytes <= MAX_ANSWER_BYTES) return
      throw new BorealError(
        'too_large',
        `the answer has ${bytes} bytes, and a function of this deployment can give ${MAX_ANSWER_BYTES}: ask for pages ` +
          '(limit and cursor), for fewer reads at once, or for less in each',
      )
    },
  }
}
