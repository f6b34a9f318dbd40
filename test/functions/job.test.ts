import type { Context } from 'aws-lambda'
import { expect, onTestFinished, test, vi } from 'vitest'
import { MARGIN_MS } from '../../functions/deadline.ts'
import { jobHandler } from '../../functions/job.ts'

/** What all scheduled functions have in common. */

/** What Powertools writes, lines of JSON. */
function written(): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = []
  vi.stubEnv('POWERTOOLS_DEV', 'true')
  // It would write none while it is developed with.
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false')
  for (const level of ['log', 'info', 'warn', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation((text) => void lines.push(JSON.parse(String(text))))
    onTestFinished(() => spy.mockRestore())
  }
  onTestFinished(() => void vi.unstubAllEnvs())
  return lines
}

const contextWith = (leftMs: number) =>
  ({ awsRequestId: 'run-1', getRemainingTimeInMillis: () => leftMs }) as unknown as Context

test('what a run had to leave undone is counted, and the run is a success', async () => {
  const lines = written()
  const handler = jobHandler('tests', async ({ logger }) => {
    logger.warn('one thing was left')
    logger.error('another one, too')
    return 'the rest'
  })
  expect(await handler({}, contextWith(60_000))).toBe('the rest')
  expect(lines.filter(({ Warnings }) => Warnings !== undefined)).toMatchObject([{ Warnings: 2 }])
  const ended = lines.find(({ message }) => message === 'job ended')
  expect(ended).toMatchObject({ job: 'tests', outcome: 'the rest', correlation_id: 'run-1' })
})

test('nothing is written where there was nothing to warn of', async () => {
  const lines = written()
  await jobHandler('tests', async () => 'all')({}, contextWith(60_000))
  expect(JSON.stringify(lines)).not.toContain('Warnings')
})

test('work is stopped before the time-out, and the error says what to do', async () => {
  const lines = written()
  const handler = jobHandler('tests', ({ signal }) => {
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  await expect(handler({}, contextWith(MARGIN_MS + 20))).rejects.toMatchObject({
    code: 'deadline_exceeded',
    message: expect.stringContaining('give the function more memory'),
  })
  expect(lines.find(({ message }) => message === 'job failed')).toMatchObject({ correlation_id: 'run-1' })
})
