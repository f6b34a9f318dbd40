import { findSnapshot } from '../snapshot/catalog.ts'
import { freeBytes } from './memory-limit.ts'
import type { BorealNode, NodeOptions } from './node.ts'
import { NodePast } from './node-past.ts'
import { NodeRecoveries } from './node-recoveries.ts'
import { restartImages } from './restart.ts'

/** What an engine takes without any rows, and what is to be left. */
const LEAST_BYTES = 400 * 1024 * 1024

/** The past states of a node's store. */
export function pastOf(node: BorealNode, options: NodeOptions): NodePast {
  const { log, objects, image: base, runtime, logger, readTimeoutMs = 10_000, queryTimeoutMs = 5_000 } = options
  return new NodePast({
    ...{ log, objects, runtime, logger },
    images: restartImages({ log, objects, base, runtime, logger }),
    settings: options.past,
    // As large as the store is now, and a little more for the replay. What is given up for it is not free yet.
    hasMemory: () => freeBytes() > LEAST_BYTES + 1.2 * node.storeBytes,
    readMs: readTimeoutMs,
    queryMs: queryTimeoutMs,
    tailLsn: () => node.tailLsn,
    confirm: () => node.confirm(),
    lsnOfBackup: async (id) =>
      objects === undefined ? undefined : (await findSnapshot(objects, log.storeId, id))?.manifest?.lsn,
  })
}

/** Its recoveries; undefined when the node has no object store. */
export function recoveriesOf(node: BorealNode, options: NodeOptions): NodeRecoveries | undefined {
  const { log, objects, runtime } = options
  return objects === undefined ? undefined : new NodeRecoveries({ log, objects, runtime, past: node.past })
}
