import type { Log } from './log.ts'

/**
 * Age of the oldest entry beyond `lsn`, ms; 0 when there is none. Of something that should hold the whole log: one that
 * nobody writes to does not make it look late.
 */
export async function missingAge(log: Log, lsn: number): Promise<number> {
  const first = await log.entry(lsn + 1)
  return first === undefined ? 0 : Math.max(0, log.now() - first.time)
}
