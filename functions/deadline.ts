import type { Context } from 'aws-lambda'

/** Ms before the time-out of a function at which its work is stopped: enough to say so, and to send metrics. */
export const MARGIN_MS = 5_000

/** A signal that is given in time before the function's time-out. `clear` when the work has ended. */
export function deadlineOf(context: Context): { signal: AbortSignal; clear(): void } {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), Math.max(0, context.getRemainingTimeInMillis() - MARGIN_MS))
  return { signal: stop.signal, clear: () => clearTimeout(timer) }
}
