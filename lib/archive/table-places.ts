import type { Log } from '../log/log.ts'

/** Entries are emptied and freed some at a time: where that was stopped, so many slots may be out of order. */
export const AT_ONCE = 8

/** The first LSN in `from … to` of which `is` holds, if it holds of all that follow; `to + 1` when of none. */
export async function firstOf(from: number, to: number, is: (lsn: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [from, to + 1]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (await is(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/** The last entry of the table. */
export async function tailOf(log: Log): Promise<number> {
  const genesis = await log.genesis().then(
    ({ lsn }) => lsn,
    () => 0,
  )
  return log.findEnd(Math.max(genesis, await log.trimmedTo()))
}

/** From where on the table has entries whole; one behind the last when it has none. */
export async function firstWhole(log: Log, tail?: number): Promise<number> {
  const last = tail ?? (await tailOf(log))
  const [trimmedTo, lost] = [await log.trimmedTo(), await log.quarantined()]
  const isWhole = async (lsn: number) => {
    const item = await log.slot(lsn)
    if (item !== undefined) return item.trimmed === undefined
    // One that is stepped over may be missing; what stands for it is known as long as it has not been trimmed.
    return lsn > trimmedTo && lost.some((record) => record.lsn <= lsn && lsn <= record.to)
  }
  const first = await firstOf(trimmedTo, last, isWhole)
  // Where a run was stopped, one that is whole may lie among those that are not.
  const near = Array.from({ length: Math.max(0, Math.min(AT_ONCE, last - first + 1)) }, (_, index) => first + index)
  const areWhole = await Promise.all(near.map(isWhole))
  return first + areWhole.lastIndexOf(false) + 1
}
