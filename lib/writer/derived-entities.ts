import { quotasTable } from '../store/quotas-table.ts'
import type { Overlay } from './overlay.ts'

/** Jobs and roles exist because something belongs to them. */

/** LSN of the last change in a job; `undefined` when nothing belongs to it. */
export function jobVersion(jobId: string, state: Overlay): number | undefined {
  return state.job(jobId)?.version
}

/** LSN of the last change in a role; `undefined` when it has neither job nor quota. What leaves it changes it, too. */
export function roleVersion(role: string, state: Overlay): number | undefined {
  const jobs = state.jobsOfRole(role).map((jobId) => jobVersion(jobId, state))
  const present = [...jobs, state.version(quotasTable, role)].filter((version) => version !== undefined)
  if (present.length === 0) return undefined
  return Math.max(...present, state.leftRole(role))
}
