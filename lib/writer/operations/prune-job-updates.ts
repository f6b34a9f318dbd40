import type { Int64, JobUpdateRow } from '../../model/events.ts'
import { getOrInsert } from '../../model/get-or-insert.ts'
import type { JobUpdateKey } from '../../model/job-update.ts'
import { jobIdOf } from '../../store/job-columns.ts'
import { findTerminalUpdates } from '../../store/job-updates.ts'
import { updateKeyOf } from '../../store/job-updates-table.ts'
import type { OperationHandler } from './operation-handler.ts'

export const pruneJobUpdates: OperationHandler<'pruneJobUpdates'> = {
  announce(_operation, reads) {
    reads.find(findTerminalUpdates)
  },

  decide({ perJobRetainCount, historyPruneThresholdMs }, state) {
    const pruned = prunable(state.find(findTerminalUpdates), perJobRetainCount, historyPruneThresholdMs)
    if (pruned.length > 0) state.emit({ event: 'jobUpdatesRemoved', v: 1, updates: pruned.map(updateKeyOf) })
    return { op: 'pruneJobUpdates', affected: pruned.length, keys: pruned.map(keyOf) }
  },
}

/** Of each job those beyond the newest, and those created at or before the threshold. */
function prunable(terminal: JobUpdateRow[], retain: number, thresholdMs: Int64): JobUpdateRow[] {
  const byJob = new Map<string, JobUpdateRow[]>()
  for (const update of terminal) getOrInsert(byJob, jobIdOf(update), () => [] as JobUpdateRow[]).push(update)
  return [...byJob.values()].flatMap((updates) =>
    updates
      .sort((a, b) => descending(a.createdMs!, b.createdMs!))
      .filter((update, index) => index >= retain || BigInt(update.createdMs!) <= BigInt(thresholdMs)),
  )
}

function descending(a: Int64, b: Int64): number {
  const difference = BigInt(b) - BigInt(a)
  return difference < 0n ? -1 : Number(difference > 0n)
}

function keyOf({ role, environment, jobName, updateId }: JobUpdateRow): JobUpdateKey {
  return { job: { role, environment, name: jobName }, id: updateId }
}
