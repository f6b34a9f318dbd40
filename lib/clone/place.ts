import { LogTrimmed } from '../log/corrupt-entry.ts'
import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'

/**
 * The last entry at or before a time (ms), of those that the log still has: entries are in the order of their times.
 *
 * @throws BorealError `out_of_retention` when all of them are younger
 */
export async function lsnAtTime(log: Log, timeMs: number, end: number): Promise<number> {
  const timeOf = async (lsn: number) => {
    // What was trimmed, and cannot be read elsewhere, has lost its time; it is older than what was not.
    return (await log.markAt(lsn).catch(ifTrimmed))?.time ?? Number.NEGATIVE_INFINITY
  }
  let low = Math.max(log.startsAt, await log.trimmedTo())
  let high = end
  if (low === high || (await timeOf(end)) <= timeMs) return end
  // Invariant: what is at `high` is younger, what is below `low` is not.
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if ((await timeOf(middle)) <= timeMs) low = middle
    else high = middle
  }
  const first = low === 0 ? (await log.genesis()).time : await timeOf(low)
  if (first <= timeMs) return low
  throw new BorealError('out_of_retention', `nothing in the log is as old as ${new Date(timeMs).toISOString()}`)
}

function ifTrimmed(error: unknown): undefined {
  if (!(error instanceof LogTrimmed)) throw error
}
