import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'

export interface PeriodicOptions {
  /** Ms from one round to the next, more or less: nodes that started together should not all work together. 0: never. */
  intervalMs: number
  /** Ends the rounds; what a round fails with after that is nobody's concern. */
  signal: AbortSignal
  /** Whether this node is the one that does it: another one leads and does so otherwise. */
  onDuty(): boolean
  runtime: Runtime
  logger: Logger
  /** Said when a round fails, e.g. `no snapshot could be taken`. */
  failure: string
}

/** Does `work` from time to time until the signal aborts. A round that fails is logged, and the next one tries again. */
export async function periodically(options: PeriodicOptions, work: () => Promise<unknown>): Promise<void> {
  const { intervalMs, signal, onDuty, runtime, logger, failure } = options
  if (intervalMs <= 0) return
  for (;;) {
    await runtime.sleep(intervalMs * (0.75 + 0.5 * runtime.random()), signal)
    if (signal.aborted) return
    if (!onDuty()) continue
    try {
      await work()
    } catch (error) {
      if (signal.aborted) return
      logger.error(`${failure}; the next round tries again`, { error: messageOf(error) })
    }
  }
}
