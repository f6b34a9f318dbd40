import { backupJob, drillJob } from './backup-job.ts'
import type { JobContext } from './job-context.ts'
import { snapshotJob } from './snapshot-job.ts'

/**
 * What is done beside the threads that serve, by name. Options and outcome are plain data: they cross the border of a
 * thread (job-worker.ts). Each may be stopped at any moment, and several at once do each other no harm.
 */
export const JOBS = {
  snapshot: snapshotJob,
  backup: backupJob,
  drill: drillJob,
} satisfies Record<string, (context: JobContext, options: never) => Promise<unknown>>

export type JobName = keyof typeof JOBS
export type JobOptions<Name extends JobName> = NonNullable<Parameters<(typeof JOBS)[Name]>[1]>
export type JobOutcome<Name extends JobName> = Awaited<ReturnType<(typeof JOBS)[Name]>>

/** Runs a job somewhere; rejects with `not_ready` when the signal ends it. */
export type RunJob = <Name extends JobName>(
  name: Name,
  options: JobOptions<Name>,
  signal: AbortSignal,
) => Promise<JobOutcome<Name>>

/** Runs a job in this thread. */
export function runJob<Name extends JobName>(
  name: Name,
  context: JobContext,
  options: JobOptions<Name>,
): Promise<JobOutcome<Name>> {
  const job = JOBS[name] as (context: JobContext, options: JobOptions<Name>) => Promise<JobOutcome<Name>>
  return job(context, options)
}
