import type { LogInspection, Slot } from '../log/inspection.ts'
import { BUCKET_SIZE } from '../log/keys.ts'

/** Buckets in which the beginning of a log is looked for, where it is not at its usual place. */
const BUCKETS_TO_TRY = 1_024

/** A slot, or several in a row that are empty although the log goes on behind them. */
export type Step = { slot: Slot } | { missing: { lsn: number; to: number } }

/** The first slot that should be there: that of the genesis entry, or the one behind what was trimmed. */
export async function firstSlot(log: LogInspection, trimmedTo: number): Promise<number | undefined> {
  if ((await log.slot(0)) !== undefined) return 0
  if (trimmedTo > 0) return trimmedTo + 1
  for (let bucket = 0; bucket < BUCKETS_TO_TRY; bucket++) {
    const [first] = await log.slots(bucket * BUCKET_SIZE - 1)
    if (first !== undefined) return first.item.lsn
  }
  return undefined
}

/**
 * Slots from `first` to the end of the log, in order. Safe beside writers: what a page lacks counts as missing only when
 * it is still not there after what follows it was seen, and a bucket that ends early only when the next one has begun.
 */
export async function* walk(log: LogInspection, first: number): AsyncGenerator<Step[]> {
  for (let next = first; ; ) {
    const slots = await ofBucket(log, next)
    if (slots.length === 0) {
      const beyond = await behindBucket(log, next)
      if (beyond === undefined) return
      // Read after what follows it was seen: it may have been written in between.
      if ((await log.slot(next)) !== undefined) continue
      yield [{ missing: { lsn: next, to: beyond - 1 } }]
      next = beyond
      continue
    }
    const steps: Step[] = []
    for (const slot of slots) {
      const { lsn } = slot.item
      if (lsn > next) {
        if (steps.length > 0 || (await log.slot(next)) !== undefined) break
        // Several may be missing; the one that comes may have been written while we looked.
        const [again] = await ofBucket(log, next)
        const to = (again?.item.lsn ?? lsn) - 1
        if (to >= next) steps.push({ missing: { lsn: next, to } })
        next = to + 1
        break
      }
      steps.push({ slot })
      next = lsn + 1
    }
    if (steps.length > 0) yield steps
  }
}

async function ofBucket(log: LogInspection, from: number): Promise<Slot[]> {
  const end = (Math.floor(from / BUCKET_SIZE) + 1) * BUCKET_SIZE
  return (await log.slots(from - 1)).filter(({ item }) => item.lsn >= from && item.lsn < end)
}

/** The first slot behind one, as far as the end of the next buckets; undefined when the log ends there. */
export async function firstBehind(log: LogInspection, lsn: number): Promise<number | undefined> {
  const [first] = await ofBucket(log, lsn + 1)
  return first?.item.lsn ?? (await behindBucket(log, lsn + 1))
}

/** The first slot of one of the next buckets. */
async function behindBucket(log: LogInspection, lsn: number): Promise<number | undefined> {
  const bucket = Math.floor(lsn / BUCKET_SIZE)
  for (const ahead of [1, 2]) {
    const [first] = await ofBucket(log, (bucket + ahead) * BUCKET_SIZE)
    if (first !== undefined) return first.item.lsn
  }
  return undefined
}

/** About how many entries there are behind a slot, by a few single reads. */
export async function aboutLength(log: LogInspection, first: number): Promise<number> {
  let stride = 1
  while ((await log.slot(first + stride)) !== undefined) stride *= 2
  return stride
}
