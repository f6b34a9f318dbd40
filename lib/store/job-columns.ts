import type { Column } from './table.ts'

/** What every row of a job says about it. */
interface OfJob {
  role: string
  environment: string
  jobName: string
}

/** Id of the job a row belongs to. */
export function jobIdOf(row: OfJob): string {
  return `${row.role}/${row.environment}/${row.jobName}`
}

/** The columns that every table of jobs has. */
export const jobColumns: Column<OfJob>[] = [
  { name: 'job_id', type: 'text', value: jobIdOf },
  { name: 'role', type: 'text', field: 'role', value: (row) => row.role },
  { name: 'environment', type: 'text', field: 'environment', value: (row) => row.environment },
  { name: 'job_name', type: 'text', field: 'jobName', value: (row) => row.jobName },
]
