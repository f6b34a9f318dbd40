import type { JobUpdateRow } from '../model/events.ts'
import { isTerminalUpdate } from '../model/job-update-status.ts'
import { jobColumns, jobIdOf } from './job-columns.ts'
import type { Table } from './table.ts'

/** Text key of the update a row describes. */
export function updateKeyOf(row: Pick<JobUpdateRow, 'role' | 'environment' | 'jobName' | 'updateId'>): string {
  return `${jobIdOf(row)}/${row.updateId}`
}

const configIds = `(select json_agg(c.config_id order by c.config_id) from job_update_config c
  where c.update_key = job_update.update_key)`

/** What changes about an update. Its instructions, configs and events are rows of tables of their own. */
export const jobUpdatesTable: Table<JobUpdateRow> = {
  entity: 'jobUpdate',
  name: 'job_update',
  key: updateKeyOf,
  columns: [
    { name: 'update_key', type: 'text', value: updateKeyOf },
    ...jobColumns,
    { name: 'update_id', type: 'text', field: 'updateId', value: (row) => row.updateId },
    { name: 'user_name', type: 'text', field: 'user', value: (row) => row.user },
    { name: 'status', type: 'text', field: 'status', value: (row) => row.status },
    { name: 'created_ms', type: 'int8', field: 'createdMs', value: (row) => row.createdMs },
    { name: 'status_ms', type: 'int8', field: 'statusMs', value: (row) => row.statusMs },
    { name: 'last_modified_ms', type: 'int8', field: 'lastModifiedMs', value: (row) => row.lastModifiedMs },
    { name: 'events', type: 'int4', field: 'events', value: (row) => row.events },
    { name: 'instance_events', type: 'int4', field: 'instanceEvents', value: (row) => row.instanceEvents },
    { name: 'lock_token', type: 'text', field: 'lockToken', value: (row) => row.lockToken },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  computed: [{ sql: configIds, type: 'json', field: 'configIds' }],
  facets: ['role', 'environment', 'jobName', 'updateId', 'status', 'configIds'],
  scopes: (row) => [`role:${row.role}`, `job:${jobIdOf(row)}`],
  scopeVersion: {
    role: 'select max(version) from job_update where role = given.value',
    job: 'select max(version) from job_update where job_id = given.value',
  },
  job: (row) => ({ jobId: jobIdOf(row), counter: counterOf(row) }),
  configs: (row) => row.configIds,
  configsIn: 'job_update_config',
}

function counterOf({ status }: JobUpdateRow): string {
  if (status === undefined) return 'new_updates'
  return isTerminalUpdate(status) ? 'terminal_updates' : 'active_updates'
}
