import type { RunJob } from './jobs.ts'
import type { BorealNode, NodeOptions } from './node.ts'
import { ARCHIVE_SETTINGS, NodeArchive } from './node-archive.ts'

/** The archive of a node's store; undefined when the node has no object store. */
export function archiveOf(
  node: BorealNode,
  options: NodeOptions,
  { run, signal }: { run: RunJob | undefined; signal: AbortSignal },
): NodeArchive | undefined {
  const { log, objects, runtime, logger } = options
  if (objects === undefined || run === undefined) return undefined
  return new NodeArchive({
    ...{ objects, log, runtime, logger, signal },
    settings: { ...ARCHIVE_SETTINGS, ...options.archive },
    tailLsn: () => node.tailLsn,
    onDuty: () => node.onDuty,
    run,
  })
}
