import { setTimeout as delay } from 'node:timers/promises'
import { BorealError, type ErrorCode } from '../model/errors.ts'

/** Codes after which the same request may well succeed; for writes the idempotency key makes it safe. */
const REPEATABLE = new Set<ErrorCode>([
  'outcome_unknown',
  'log_unavailable',
  'not_ready',
  'overloaded',
  'lsn_not_reached',
])

const LONGEST_PAUSE_MS = 2_000

/** Repeats a request, with growing pauses, until it has a definite outcome or the time is over. Throws the last error. */
export async function repeatWhileOpen<T>(request: () => Promise<T>, forMs = 60_000): Promise<T> {
  const end = performance.now() + forMs
  for (let pause = 50; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await request()
    } catch (error) {
      const open = !(error instanceof BorealError) || REPEATABLE.has(error.code)
      if (!open || performance.now() + pause > end) throw error
    }
    await delay(pause * (0.5 + Math.random()))
  }
}
