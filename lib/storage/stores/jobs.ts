import type * as z from 'zod'
import type { jobSummary } from '../../api/routes/jobs.ts'
import { type JobKey, jobId, jobKey } from '../../model/job-key.ts'
import type { Entity } from '../../model/preconditions.ts'
import { identifier } from '../../model/scalars.ts'
import { parsed } from '../answers.ts'
import { pathOf, readList, readSummary } from '../reads.ts'
import type { Session } from '../session.ts'

export type JobSummary = z.infer<typeof jobSummary>

/** Summaries of jobs, which follow from what belongs to them. */
export interface JobStore {
  /** By key, of one role if it is named. */
  list(of?: { role?: string | null }): Promise<JobSummary[]>
  get(key: JobKey): Promise<JobSummary | undefined>
}

/** Writes to these show in the summary of a job. */
export const IN_JOBS: readonly Entity[] = ['task', 'cronJob', 'jobUpdate', 'lock']

export function jobStore(session: Session): JobStore {
  return {
    async list({ role } = {}) {
      const of = role ? parsed(identifier, role, 'role') : undefined
      const covers = [{ entity: 'job' as const, scope: of === undefined ? {} : { role: of } }]
      return readList(session, { path: pathOf('/v1/jobs', { role: of }), covers, sees: IN_JOBS })
    },

    async get(key) {
      const id = jobId(parsed(jobKey, key, 'key'))
      // The scope and not the key: it also says when something has left.
      const covers = [{ entity: 'job' as const, scope: { job: id } }]
      return readSummary(session, { path: `/v1/jobs/${id}`, covers, sees: IN_JOBS })
    },
  }
}
