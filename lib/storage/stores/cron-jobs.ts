import type * as z from 'zod'
import type { JobConfiguration, jobConfiguration } from '../../model/cron-job.ts'
import { type JobKey, jobId, jobKey } from '../../model/job-key.ts'
import { removeCronJob, saveCronJob } from '../../model/operations.ts'
import { identifier } from '../../model/scalars.ts'
import { parsed } from '../answers.ts'
import { pathOf, readList, readRecord } from '../reads.ts'
import type { Session } from '../session.ts'

/** Jobs that are started by a schedule. */
export interface CronJobStore {
  /** By key, of one role if it is named. */
  list(of?: { role?: string | null }): Promise<JobConfiguration[]>
  get(key: JobKey): Promise<JobConfiguration | undefined>
}

export interface MutableCronJobStore extends CronJobStore {
  /** Upserts. */
  save(job: z.input<typeof jobConfiguration>): void
  /** Silent when there is none. */
  remove(key: JobKey): void
}

export function cronJobStore(session: Session): MutableCronJobStore {
  return {
    async list({ role } = {}) {
      const of = role ? parsed(identifier, role, 'role') : undefined
      const covers = [{ entity: 'cronJob' as const, scope: of === undefined ? {} : { role: of } }]
      return readList(session, { path: pathOf('/v1/cron-jobs', { role: of }), covers, sees: ['cronJob'] })
    },

    async get(given) {
      const key = jobId(parsed(jobKey, given, 'key'))
      return readRecord(session, { path: `/v1/cron-jobs/${key}`, entity: 'cronJob', key })
    },

    save(job) {
      const operation = parsed(saveCronJob, { op: 'saveCronJob', jobConfiguration: job })
      const { version: _, ...record } = operation.jobConfiguration
      session.write('cronJob', operation)
      session.own.saved('cronJob', jobId(record.key), record)
    },

    remove(key) {
      const operation = parsed(removeCronJob, { op: 'removeCronJob', jobKey: key })
      session.write('cronJob', operation)
      session.own.removed('cronJob', jobId(operation.jobKey))
    },
  }
}
