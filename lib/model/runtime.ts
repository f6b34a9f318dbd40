import { randomBytes } from 'node:crypto'
import { ulid } from 'ulid'

/**
 * Everything nondeterministic that a node uses: time, randomness, ids and waiting.
 *
 * It is passed in from the edge, so a test can run a whole node on a clock of its own. Code that applies log entries
 * must not see it at all: what it needs is in the entry.
 */
export interface Runtime {
  /** Wall clock in ms since the epoch. May jump; never used for safety. */
  now(): number
  /** Monotonic clock in ms from an arbitrary start; goes on while the process is stopped. */
  monotonic(): number
  /** A number in [0, 1), for jitter. */
  random(): number
  /** A new ULID. */
  newId(): string
  /** Resolves after `ms`, or at once when the signal aborts (without throwing). */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Random bytes are fetched in pools: one system call for thousands of numbers. */
const POOL_BYTES = 4_096
let pool = Buffer.alloc(0)
let used = 0

function systemRandom(): number {
  if (used + 4 > pool.byteLength) {
    pool = randomBytes(POOL_BYTES)
    used = 0
  }
  const value = pool.readUInt32BE(used) / 2 ** 32
  used += 4
  return value
}

/** The machine's own clock and randomness. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: systemRandom,
  newId: () => ulid(undefined, systemRandom),
  // Not that of node:timers/promises, which makes an error with its stack when it is ended: a write ends two.
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      if (signal?.aborted) end()
      else signal?.addEventListener('abort', end)
    }),
}
