import type * as z from 'zod'
import { type JobKey, jobId, jobKey } from '../../model/job-key.ts'
import type { Lock, LockKey, lock } from '../../model/lock.ts'
import { removeLock, saveLock } from '../../model/operations.ts'
import { parsed } from '../answers.ts'
import { readList, readRecord } from '../reads.ts'
import type { Session } from '../session.ts'

/** Exclusive rights to change jobs. */
export interface LockStore {
  list(): Promise<Lock[]>
  get(job: JobKey): Promise<Lock | undefined>
}

export interface MutableLockStore extends LockStore {
  /** Locks a job. The closure fails with `already_exists` if it is locked, or another lock has the token. */
  save(given: z.input<typeof lock>): void
  /** Silent when there is none. */
  remove(key: LockKey): void
}

const ALL = [{ entity: 'lock', scope: {} }] as const

export function lockStore(session: Session): MutableLockStore {
  return {
    list: () => readList(session, { path: '/v1/locks', covers: ALL, sees: ['lock'] }),

    async get(job) {
      const key = jobId(parsed(jobKey, job, 'job'))
      return readRecord(session, { path: `/v1/locks/${key}`, entity: 'lock', key })
    },

    save(given) {
      const operation = parsed(saveLock, { op: 'saveLock', lock: given })
      const { version: _, ...record } = operation.lock
      session.write('lock', operation)
      session.own.saved('lock', jobId(record.key.job), record)
    },

    remove(key) {
      const operation = parsed(removeLock, { op: 'removeLock', lockKey: key })
      session.write('lock', operation)
      session.own.removed('lock', jobId(operation.lockKey.job))
    },
  }
}
