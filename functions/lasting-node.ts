import { messageOf } from '../lib/model/errors.ts'
import type { Logger } from '../lib/model/logger.ts'
import type { BorealNode } from '../lib/node/node.ts'

/** How long a weak read waits for news of the log. */
const PATIENCE_MS = 500

/**
 * The node of an environment: started once and kept between invocations. Where the start failed, the next request tries
 * again; an environment that never recovered would fail every request that is sent to it.
 */
export function lastingNode(start: () => Promise<BorealNode>, logger: Logger): () => Promise<BorealNode> {
  let started: Promise<BorealNode> | undefined
  const get = () => {
    started ??= start().catch((error: unknown) => {
      started = undefined
      logger.error('the node could not be started', { error: messageOf(error) })
      throw error
    })
    return started
  }
  // Nobody may ask for it before it has failed.
  get().catch(() => undefined)
  return get
}

/**
 * Looks at the log once, because nobody did while the environment was frozen. Consistent reads and writes do so anyway; a
 * weak read would show the state of the last invocation for ever. When the log is away, the read goes on without news.
 */
export async function catchUp(node: BorealNode): Promise<void> {
  const waited = new AbortController()
  await Promise.race([
    node.confirm().catch(() => undefined),
    new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS)
      waited.signal.addEventListener('abort', () => clearTimeout(timer))
    }),
  ])
  waited.abort()
}
