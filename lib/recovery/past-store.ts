import { CorruptEntry, LogTrimmed } from '../log/corrupt-entry.ts'
import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { type ImageSource, withBestImage } from '../replica/image-source.ts'
import { ProgressMeter } from '../replica/progress.ts'
import { Reader } from '../replica/reader.ts'
import { replayUnread } from '../replica/replay.ts'
import type { Run, RunLimits } from '../replica/runs.ts'
import { keepHouse, READER_HOUSEKEEPING_LIMITS } from '../store/housekeeping.ts'
import type { Store } from '../store/store.ts'
import { type Point, textOfPoint } from './point.ts'

/** Changes on top of a point, in a store of their own. */
export interface Variant {
  /** Tells it from others of the same point; another one for other changes. */
  name: string
  /** Makes them. The store stands at the point, and nobody reads it before this is done. */
  prepare(store: Store): Promise<void>
}

export interface PastStoreContext {
  log: Log
  /** Where stores boot from. */
  images: ImageSource
  runtime: Runtime
  logger: Logger
}

/**
 * Smaller runs than those of a start: what makes a run of entries is done in this thread, which has others to serve.
 */
const RUN_LIMITS: RunLimits = { events: 1_000, bytes: 512 * 1024 }

/**
 * Restores the state at a point in a store of its own, in a thread: the newest usable image at or before it, and the log
 * from there to exactly it. `onMeter` gets the account of the replay; the signal ends it.
 *
 * @throws LogTrimmed when the log does not lead there any more, CorruptEntry, `log_unavailable`
 */
export async function restorePoint(
  { log, images, runtime, logger }: PastStoreContext,
  point: Point,
  options: {
    variant?: Variant | undefined
    signal: AbortSignal
    onEnd(reader: Reader): void
    onMeter(meter: ProgressMeter): void
  },
): Promise<Reader> {
  const { variant, signal, onEnd, onMeter } = options
  const { lsn, index } = point
  const whole = index === undefined ? lsn : lsn - 1
  const goOn = () => {
    if (signal.aborted) throw new BorealError('not_ready', 'a past state was not wanted any more')
  }
  goOn()
  logger.info('restoring a past state', { point: textOfPoint(point) })
  const reader = await withBestImage(images, whole, logger, (image) => Reader.boot({ log, logger, onEnd }, image))
  const stop = () => void reader.stop()
  signal.addEventListener('abort', stop)
  try {
    goOn()
    await reader.prepare(async (store) => {
      const meter = new ProgressMeter({ from: store.mark.lsn, target: lsn }, { runtime, logger })
      onMeter(meter)
      await replayTo(log, store, whole, meter)
      if (index !== undefined) await applyPart(log, store, lsn, index)
      await variant?.prepare(store)
      // People ask it with SQL of their own, whose plans need statistics of what was replayed.
      await keepHouse(store, READER_HOUSEKEEPING_LIMITS)
      meter.end()
    })
    return reader
  } catch (error) {
    await reader.stop()
    throw error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

async function replayTo(log: Log, store: Store, lsn: number, meter: ProgressMeter): Promise<void> {
  const from = store.mark.lsn
  if (from === lsn) return
  // What there is to boot from begins behind it.
  if (from > lsn) throw new LogTrimmed(lsn + 1)
  const onRun = ({ to, events }: Run) => meter.add(to.lsn, events)
  await replayUnread(log, store, { upTo: lsn, limits: RUN_LIMITS, onRun })
  if (store.mark.lsn !== lsn) throw new CorruptEntry(store.mark.lsn + 1, `it is missing, the state at ${lsn} needs it`)
}

/** The entry at `lsn`, but of its transactions only those up to `index`. */
async function applyPart(log: Log, store: Store, lsn: number, index: number): Promise<void> {
  const entry = await log.entry(lsn)
  if (entry === undefined) throw new CorruptEntry(lsn, 'it is missing')
  if (entry.prev !== store.mark.hash) throw new CorruptEntry(lsn, `it does not follow the entry at ${lsn - 1}`)
  await store.apply([{ ...entry, transactions: entry.transactions.slice(0, index + 1) }])
}
