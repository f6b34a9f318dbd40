import type { BorealNode, NodeOptions } from './node.ts'
import { NodePast } from './node-past.ts'
import { NodeRecoveries } from './node-recoveries.ts'
import { restartImages } from './restart.ts'

/** The past states of a node's store. */
export function pastOf(node: BorealNode, options: NodeOptions): NodePast {
  const { log, objects, image: base, runtime, logger, readTimeoutMs = 10_000, queryTimeoutMs = 5_000 } = options
  return new NodePast({
    ...{ log, objects, runtime, logger },
    images: restartImages({ log, objects, base, runtime, logger }),
    settings: options.past,
    readMs: readTimeoutMs,
    queryMs: queryTimeoutMs,
    tailLsn: () => node.tailLsn,
    confirm: () => node.confirm(),
  })
}

/** Its recoveries; undefined when the node has no object store. */
export function recoveriesOf(node: BorealNode, options: NodeOptions): NodeRecoveries | undefined {
  const { log, objects, runtime } = options
  return objects === undefined ? undefined : new NodeRecoveries({ log, objects, runtime, past: node.past })
}
