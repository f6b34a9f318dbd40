import type { JobUpdateRow } from '../model/events.ts'
import { isTerminalUpdate } from '../model/job-update-status.ts'
import { jobColumns, jobIdOf, jobJson } from './job-columns.ts'
import { exactJson, type Table } from './table.ts'

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
    { name: 'update_id', type: 'text', value: (row) => row.updateId },
    { name: 'user_name', type: 'text', value: (row) => row.user },
    { name: 'status', type: 'text', value: (row) => row.status },
    { name: 'created_ms', type: 'int8', value: (row) => row.createdMs },
    { name: 'status_ms', type: 'int8', value: (row) => row.statusMs },
    { name: 'last_modified_ms', type: 'int8', value: (row) => row.lastModifiedMs },
    { name: 'events', type: 'int4', value: (row) => row.events },
    { name: 'instance_events', type: 'int4', value: (row) => row.instanceEvents },
    { name: 'lock_token', type: 'text', value: (row) => row.lockToken },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  rowJson: `json_build_object(${jobJson}, 'updateId', update_id,
    'user', user_name, 'status', status, 'createdMs', ${exactJson('created_ms')},
    'statusMs', ${exactJson('status_ms')}, 'lastModifiedMs', ${exactJson('last_modified_ms')}, 'events', events,
    'instanceEvents', instance_events, 'configIds', ${configIds}, 'lockToken', lock_token, 'version', version)`,
  facetsJson: `json_build_object(${jobJson}, 'updateId', update_id,
    'status', status, 'configIds', ${configIds}, 'version', version)`,
  scopes: (row) => [`role:${row.role}`, `job:${jobIdOf(row)}`],
  scopeVersion: {
    role: 'select max(version) from job_update where role = $1',
    job: 'select max(version) from job_update where job_id = $1',
  },
  job: (row) => ({ jobId: jobIdOf(row), counter: counterOf(row) }),
  configs: (row) => row.configIds,
  configsIn: 'job_update_config',
}

function counterOf({ status }: JobUpdateRow): string {
  if (status === undefined) return 'new_updates'
  return isTerminalUpdate(status) ? 'terminal_updates' : 'active_updates'
}
