import { sweepStores } from '../clone/sweep.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { NodeConfig } from './config.ts'
import { openStores } from './open-log.ts'

/** Deletes what is left of stores that were deleted, on what the configuration names: what the function does. */
export async function sweepOnce(
  { storage }: Pick<NodeConfig, 'storage'>,
  context: { runtime: Runtime; logger: Logger; signal?: AbortSignal | undefined },
): Promise<{ swept: string[] }> {
  const { stores, objects, close } = await openStores(storage, context)
  try {
    return { swept: await sweepStores({ stores, objects, logger: context.logger, signal: context.signal }) }
  } finally {
    await close()
  }
}
