import { BorealError } from './errors.ts'

/** What is said to whoever still waits for a node when it ends. Nothing of it was done. */
export function stopping(cause?: unknown): BorealError {
  return new BorealError('not_ready', 'the node is stopping', { retryAfter: 1, cause })
}
