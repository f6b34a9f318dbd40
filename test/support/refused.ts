import { expect } from 'vitest'
import { problem } from '../../lib/api/problem.ts'
import { type ErrorCode, STATUS_OF_CODE } from '../../lib/model/errors.ts'
import type { Answer, TestApi } from './test-api.ts'

/**
 * Expects that a request is refused with a code, its status and a whole problem, that it names the place of the fault
 * (when one is given), and that nothing has changed.
 */
export async function expectRefused(
  api: TestApi,
  code: ErrorCode,
  send: () => Promise<Answer>,
  path?: string,
): Promise<Answer> {
  const before = await api.state()
  const answer = await send()
  const { status, headers, body } = answer
  expect([status, body?.code], JSON.stringify(body).slice(0, 500)).toEqual([STATUS_OF_CODE[code], code])
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(headers.get('boreal-store')).not.toBeNull()
  expect(problem.strict().parse(body)).toMatchObject({ status, type: `https://boreal.dev/problems/${code}` })
  if (path !== undefined) expect(body.errors.map((error: { path: string }) => error.path)).toContain(path)
  expect(await api.state()).toEqual(before)
  return answer
}
