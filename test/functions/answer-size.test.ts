import { expect, test } from 'vitest'
import { answerSize, MAX_ANSWER_BYTES } from '../../functions/answer-size.ts'
import type { ApiEvent, ApiResult } from '../../lib/api/handler.ts'

/** What the middleware does with an answer of this body. */
function after(body: string | Buffer): unknown {
  const response: ApiResult = { statusCode: 200, headers: {}, body }
  const request = { event: {} as ApiEvent, response } as unknown as Parameters<
    NonNullable<ReturnType<typeof answerSize>['after']>
  >[0]
  return answerSize().after!(request)
}

test('an answer that Lambda takes is given', () => {
  expect(() => after('x'.repeat(MAX_ANSWER_BYTES - 1_000))).not.toThrow()
})

test('one that it does not take is refused with advice', () => {
  expect(() => after('x'.repeat(MAX_ANSWER_BYTES))).toThrow(expect.objectContaining({ code: 'too_large' }))
  expect(() => after('x'.repeat(MAX_ANSWER_BYTES))).toThrow(/pages/)
})

test('what counts are the bytes as Lambda sends them, where every quote takes two', () => {
  expect(() => after('"'.repeat(MAX_ANSWER_BYTES / 2 + 1))).toThrow(expect.objectContaining({ code: 'too_large' }))
  expect(() => after('"'.repeat(MAX_ANSWER_BYTES / 2 - 1_000))).not.toThrow()
  expect(() => after(Buffer.alloc(MAX_ANSWER_BYTES / 2 + 1, '"'))).toThrow(
    expect.objectContaining({ code: 'too_large' }),
  )
  expect(() => after(Buffer.alloc(MAX_ANSWER_BYTES - 1_000, 'x'))).not.toThrow()
})
