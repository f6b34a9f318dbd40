import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import { loadBaseImage } from '../store/base-image.ts'
import type { NodeConfig } from './config.ts'
import { type JobContext, jobContext } from './job-context.ts'
import { openLog, trimmableLogAt } from './open-log.ts'

export interface OnceContext {
  runtime: Runtime
  logger: Logger
}

/** Does the work of a function on what the configuration names, in this thread. */
export async function once<T>(
  config: NodeConfig,
  context: OnceContext,
  work: (context: JobContext) => Promise<T>,
): Promise<T> {
  const base = await loadBaseImage()
  const opened = await openLog(config.storage, config.name, context)
  const trimmable = () => trimmableLogAt(opened.address, context.runtime)
  try {
    return await work(jobContext({ ...context, ...opened, trimmable, base, codec: config.snapshotCodec }))
  } finally {
    await opened.close()
  }
}
