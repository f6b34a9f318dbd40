import { setTimeout as delay } from 'node:timers/promises'

const LONGEST_PAUSE_MS = 2_000

/** Repeats a request, with growing pauses, until it has a definite outcome or the time is over. Throws the last error. */
export async function repeatWhileOpen<T>(
  request: () => Promise<T>,
  isOpen: (error: unknown) => boolean,
  forMs = 60_000,
): Promise<T> {
  const end = performance.now() + forMs
  for (let pause = 50; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await request()
    } catch (error) {
      if (!isOpen(error) || performance.now() + pause > end) throw error
    }
    await delay(pause * (0.5 + Math.random()))
  }
}
