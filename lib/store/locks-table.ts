import type { LockRow } from '../model/events.ts'
import { jobColumns, jobIdOf } from './job-columns.ts'
import type { Table } from './table.ts'

/** Locks name a job and do not belong to it: one may be taken before there is anything in the job. */
export const locksTable: Table<LockRow> = {
  entity: 'lock',
  name: 'lock',
  key: jobIdOf,
  columns: [
    ...jobColumns,
    { name: 'token', type: 'text', field: 'token', value: (row) => row.token },
    { name: 'user_name', type: 'text', field: 'user', value: (row) => row.user },
    { name: 'timestamp_ms', type: 'int8', field: 'timestampMs', value: (row) => row.timestampMs },
    { name: 'message', type: 'text', field: 'message', value: (row) => row.message },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  facets: ['role', 'environment', 'jobName'],
  scopes: (row) => [`role:${row.role}`, `job:${jobIdOf(row)}`],
  scopeVersion: {
    role: 'select max(version) from lock where role = given.value',
    job: 'select version from lock where job_id = given.value',
  },
}
