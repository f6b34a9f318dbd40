import type * as z from 'zod'
import type { roleSummary } from '../../api/routes/roles.ts'
import { identifier } from '../../model/scalars.ts'
import { parsed } from '../answers.ts'
import { readList, readSummary } from '../reads.ts'
import type { Session } from '../session.ts'
import { IN_JOBS } from './jobs.ts'

export type RoleSummary = z.infer<typeof roleSummary>

/** Summaries of roles: their jobs summed, and their quota. */
export interface RoleStore {
  list(): Promise<RoleSummary[]>
  get(role: string): Promise<RoleSummary | undefined>
}

const SEES = [...IN_JOBS, 'quota'] as const

export function roleStore(session: Session): RoleStore {
  return {
    list: () => readList(session, { path: '/v1/roles', covers: [{ entity: 'role', scope: {} }], sees: SEES }),

    async get(given) {
      const role = parsed(identifier, given, 'role')
      const covers = [{ entity: 'role' as const, scope: { role } }]
      return readSummary(session, { path: `/v1/roles/${role}`, covers, sees: SEES })
    },
  }
}
