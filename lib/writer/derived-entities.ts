import { TABLES } from '../store/apply-event.ts'
import { quotasTable } from '../store/quotas-table.ts'
import type { Snapshot } from './batch-reads.ts'
import type { Overlay } from './overlay.ts'

/**
 * Jobs and roles exist because something belongs to them. What was read says how they stood before the batch; the rows
 * that the batch has changed since are counted in.
 */
const JOB_TABLES = TABLES.filter((table) => table.job !== undefined)

/** LSN of the last change in a job; `undefined` when nothing belongs to it. */
export function jobVersion(jobId: string, state: Overlay, snapshot: Snapshot): number | undefined {
  const read = snapshot.jobs.get(jobId)
  const change = jobDifferences(state).get(jobId)
  const members = (read?.members ?? 0) + (change ?? 0)
  if (members === 0) return undefined
  return change === undefined ? read!.version : state.meta.version
}

/** LSN of the last change in a role; `undefined` when it has neither job nor quota. */
export function roleVersion(role: string, state: Overlay, snapshot: Snapshot): number | undefined {
  const jobs = new Set([...snapshot.jobs.values()].filter((job) => job.role === role).map((job) => job.jobId))
  for (const jobId of jobDifferences(state).keys()) if (jobId.startsWith(`${role}/`)) jobs.add(jobId)
  const versions = [...jobs].map((jobId) => jobVersion(jobId, state, snapshot))
  versions.push(state.version(quotasTable, role))
  const present = versions.filter((version) => version !== undefined)
  return present.length === 0 ? undefined : Math.max(...present)
}

/** By how much the batch has changed the number of rows that belong to each job that it touched. */
function jobDifferences(state: Overlay): Map<string, number> {
  const differences = new Map<string, number>()
  const count = (jobId: string, by: number) => differences.set(jobId, (differences.get(jobId) ?? 0) + by)
  for (const table of JOB_TABLES) {
    for (const { before, now } of state.changes(table)) {
      if (before !== undefined) count(table.job!(before).jobId, -1)
      if (now !== undefined) count(table.job!(now).jobId, 1)
    }
  }
  return differences
}
