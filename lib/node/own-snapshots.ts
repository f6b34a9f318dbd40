import { TRIM_SETTINGS } from '../archive/trim-settings.ts'
import type { Peer } from '../snapshot/verify.ts'
import { jsonOf } from '../store/result-set.ts'
import { statement } from '../store/statement.ts'
import type { RunJob } from './jobs.ts'
import type { BorealNode, NodeOptions } from './node.ts'
import { NodeSnapshots, SNAPSHOT_SETTINGS } from './node-snapshots.ts'

/** Tasks up to which a digest is a matter of a second. */
const MOST_TASKS = 50_000

/** From the counters of jobs, not from the tasks. */
const TASK_COUNT = statement('select to_json(coalesce(sum(active + terminal), 0)) from job_summary')

/** The snapshots of a node's store; undefined when the node has no object store. */
export function snapshotsOf(
  node: BorealNode,
  options: NodeOptions,
  { run, readers, signal }: { run: RunJob | undefined; readers(): number; signal: AbortSignal },
): NodeSnapshots | undefined {
  const { log, objects, runtime, logger } = options
  if (objects === undefined || run === undefined) return undefined
  const settings = { ...SNAPSHOT_SETTINGS, ...options.snapshots }
  const { retentionMs } = { ...TRIM_SETTINGS, ...options.archive?.trim }
  return new NodeSnapshots({
    objects,
    log,
    settings,
    runtime,
    logger,
    tailLsn: () => node.tailLsn,
    onDuty: () => node.onDuty,
    peer: () => peerOf(node, readers()),
    take: (how) => run('snapshot', { ...how, keep: settings.keep, retentionMs }, signal),
  })
}

/**
 * What a node holds now, for a snapshot to be compared with. A digest reads every row, and whoever asks the same reader
 * waits behind it: so not of a store that is large, unless there is another reader, and never of the writer's.
 */
async function peerOf(node: BorealNode, readers: number): Promise<Peer | undefined> {
  if (readers === 0) return undefined
  const { results } = await node.read([TASK_COUNT], { level: 'weak' })
  if (readers === 1 && jsonOf<number>(results[0])! > MOST_TASKS) return undefined
  return node.digest()
}
