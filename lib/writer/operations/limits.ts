import { BorealError } from '../../model/errors.ts'
import type { InstanceRange, JobUpdateInstructions } from '../../model/job-update.ts'
import type { Overlay } from '../overlay.ts'

/** Does what adds tasks to jobs, and refuses it if one of them then has more active ones than before and than it may. */
export function checkActiveTasks(state: Overlay, jobs: Set<string>, add: () => void): void {
  const active = (jobId: string) => state.job(jobId)?.activeTasks ?? 0
  const before = new Map([...jobs].map((jobId) => [jobId, active(jobId)]))
  add()
  for (const [jobId, count] of before) {
    if (active(jobId) > count) checkInstances(state, active(jobId), `job ${jobId} would have`)
  }
}

/** @throws BorealError `constraint_violation` */
export function checkInstances(state: Overlay, count: number, what: string): void {
  const { maxTasksPerJob } = state.limits
  if (count <= maxTasksPerJob) return
  throw new BorealError(
    'constraint_violation',
    `${what} ${count} active tasks, more than the ${maxTasksPerJob} that a job may have (--max-tasks-per-job)`,
  )
}

/** @throws BorealError `constraint_violation` when an update asks for too many instances, or tolerates too many failures. */
export function checkUpdateLimits(state: Overlay, { desiredState, settings }: JobUpdateInstructions): void {
  const instances = desiredState == null ? 0 : sizeOf(desiredState.instances)
  checkInstances(state, instances, 'the update asks for')
  const { maxUpdateInstanceFailures } = state.limits
  const failures = instances * settings.maxPerInstanceFailures
  if (failures <= maxUpdateInstanceFailures) return
  throw new BorealError(
    'constraint_violation',
    `the update tolerates ${failures} failures in all (instances times maxPerInstanceFailures), ` +
      `more than ${maxUpdateInstanceFailures} (--max-update-instance-failures)`,
  )
}

/** Instances in ranges, which may overlap. */
function sizeOf(ranges: InstanceRange[]): number {
  let size = 0
  let next = 0
  for (const { first, last } of [...ranges].sort((a, b) => a.first - b.first)) {
    size += Math.max(0, last + 1 - Math.max(first, next))
    next = Math.max(next, last + 1)
  }
  return size
}
