import type { LockRow } from '../model/events.ts'
import { jobColumns, jobIdOf, jobJson } from './job-columns.ts'
import { exactJson, type Table } from './table.ts'

/** Locks name a job and do not belong to it: one may be taken before there is anything in the job. */
export const locksTable: Table<LockRow> = {
  entity: 'lock',
  name: 'lock',
  key: jobIdOf,
  columns: [
    ...jobColumns,
    { name: 'token', type: 'text', value: (row) => row.token },
    { name: 'user_name', type: 'text', value: (row) => row.user },
    { name: 'timestamp_ms', type: 'int8', value: (row) => row.timestampMs },
    { name: 'message', type: 'text', value: (row) => row.message },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  rowJson: `json_build_object(${jobJson}, 'token', token,
    'user', user_name, 'timestampMs', ${exactJson('timestamp_ms')}, 'message', message, 'version', version)`,
  facetsJson: `json_build_object(${jobJson}, 'version', version)`,
  scopes: (row) => [`role:${row.role}`, `job:${jobIdOf(row)}`],
  scopeVersion: {
    role: 'select max(version) from lock where role = $1',
    job: 'select version from lock where job_id = $1',
  },
}
