import type { Log } from '../log/log.ts'
import type { SegmentName } from './names.ts'
import { firstOf, tailOf } from './table-places.ts'

/**
 * The last entry at or before a time (ms); undefined when the log begins later. The names of the segments narrow it down,
 * the rest is a few single reads.
 *
 * @param segments a chain of them, in order (see `chainOf`)
 */
export async function lsnAtTime(
  log: Log,
  segments: readonly SegmentName[],
  timeMs: number,
  tail?: number,
): Promise<number | undefined> {
  const earlier = segments.filter(({ firstTime }) => firstTime <= timeMs)
  const within = earlier.at(-1)
  if (within === undefined && segments.length > 0) return undefined
  const next = segments[earlier.length]
  const first = within?.from ?? (await firstLsn(log))
  if (first === undefined) return undefined
  const last = next === undefined ? (tail ?? (await tailOf(log))) : next.from - 1
  if (within !== undefined && next !== undefined && within.lastTime <= timeMs) return last
  const later = await firstOf(first, last, async (lsn) => ((await log.markAt(lsn))?.time ?? Infinity) > timeMs)
  return later === first ? undefined : later - 1
}

async function firstLsn(log: Log): Promise<number | undefined> {
  return log.genesis().then(
    ({ lsn }) => lsn,
    () => undefined,
  )
}
