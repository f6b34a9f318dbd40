import type { BorealNode, NodeOptions } from './node.ts'
import { ARCHIVE_SETTINGS, NodeArchive } from './node-archive.ts'
import { jobsOf } from './own-snapshots.ts'

/** The archive of a node's store; undefined when the node has no object store. */
export function archiveOf(node: BorealNode, options: NodeOptions, signal: AbortSignal): NodeArchive | undefined {
  const { log, objects, runtime, logger } = options
  if (objects === undefined) return undefined
  return new NodeArchive({
    ...{ objects, log, runtime, logger, signal },
    settings: { ...ARCHIVE_SETTINGS, ...options.archive },
    tailLsn: () => node.tailLsn,
    run: jobsOf(options, objects),
  })
}
