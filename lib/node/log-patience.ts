import { messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'

const PATIENCE_MS = 30_000
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 2_000

/**
 * Does something that a node cannot start without, again and again while its failure may pass. A table that is slow
 * for a second (it may share the processor with the engines that boot beside it) must not cost the start.
 */
export async function withLogPatience<T>(
  work: () => Promise<T>,
  mayPass: (error: unknown) => boolean,
  { runtime, logger }: { runtime: Runtime; logger: Logger },
): Promise<T> {
  const end = runtime.monotonic() + PATIENCE_MS
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await work()
    } catch (error) {
      if (!mayPass(error) || runtime.monotonic() + pause > end) throw error
      logger.warn('the log does not answer, trying again', { error: messageOf(error), pauseMs: pause })
      await runtime.sleep(pause)
    }
  }
}
