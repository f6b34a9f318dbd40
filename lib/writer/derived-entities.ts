import { quotasTable } from '../store/quotas-table.ts'
import type { Overlay } from './overlay.ts'

/** Jobs and roles exist because something belongs to them. */

/** LSN of the last change in a job; `undefined` when nothing belongs to it. */
export function jobVersion(jobId: string, state: Overlay): number | undefined {
  return state.job(jobId)?.version
}

/** LSN of the last change in a role; `undefined` when it has neither job nor quota. */
export function roleVersion(role: string, state: Overlay): number | undefined {
  const versions = state.jobsOfRole(role).map((jobId) => jobVersion(jobId, state))
  versions.push(state.version(quotasTable, role))
  const present = versions.filter((version) => version !== undefined)
  return present.length === 0 ? undefined : Math.max(...present)
}
