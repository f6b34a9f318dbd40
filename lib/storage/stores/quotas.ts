import { removeQuota, saveQuota } from '../../model/operations.ts'
import type { Quota } from '../../model/resource.ts'
import { identifier } from '../../model/scalars.ts'
import { parsed } from '../answers.ts'
import { readList, readRecord } from '../reads.ts'
import type { Session } from '../session.ts'

export interface RoleQuota {
  role: string
  quota: Quota
  /** LSN of its last change; absent when the closure itself has saved it. */
  version?: number | undefined
}

/** What roles may use. */
export interface QuotaStore {
  /** Quotas of all roles that have one, by role. */
  list(): Promise<RoleQuota[]>
  get(role: string): Promise<Quota | undefined>
}

export interface MutableQuotaStore extends QuotaStore {
  save(role: string, quota: Quota): void
  /** Silent when there is none. */
  remove(role: string): void
}

const ALL = [{ entity: 'quota', scope: {} }] as const

export function quotaStore(session: Session): MutableQuotaStore {
  return {
    list: () => readList(session, { path: '/v1/quotas', covers: ALL, sees: ['quota'] }),

    async get(given) {
      const role = parsed(identifier, given, 'role')
      const record = await readRecord<RoleQuota>(session, { path: `/v1/quotas/${role}`, entity: 'quota', key: role })
      return record?.quota
    },

    save(givenRole, givenQuota) {
      const operation = parsed(saveQuota, { op: 'saveQuota', role: givenRole, quota: givenQuota })
      const { role, quota } = operation
      session.write('quota', operation)
      session.own.saved('quota', role, { role, quota })
    },

    remove(role) {
      const operation = parsed(removeQuota, { op: 'removeQuota', role })
      session.write('quota', operation)
      session.own.removed('quota', operation.role)
    },
  }
}
