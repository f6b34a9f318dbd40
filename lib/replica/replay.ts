import type { Log } from '../log/log.ts'
import type { Step } from '../store/step.ts'
import type { Store } from '../store/store.ts'

export interface ReplayOptions {
  /** Stop exactly here; default: the end of the log. */
  upTo?: number
  /** Hears every step taken. */
  onStep?: (step: Step) => void
}

/**
 * Brings a store forward along the log: pages are read, verified, folded and applied, each page in one SQL
 * transaction, while the next one is on its way. To be called by whoever owns the store (Store.exclusive).
 *
 * @throws CorruptEntry, LogTrimmed, or BorealError `log_unavailable`; the store then stands at the last good page.
 */
export async function replay(log: Log, store: Store, options: ReplayOptions = {}): Promise<void> {
  for await (const page of log.follow(store.mark)) {
    const entries = options.upTo === undefined ? page : page.filter((entry) => entry.lsn <= options.upTo!)
    if (entries.length > 0) {
      const step = await store.apply(entries)
      options.onStep?.(step)
    }
    if (options.upTo !== undefined && store.mark.lsn >= options.upTo) return
  }
}
