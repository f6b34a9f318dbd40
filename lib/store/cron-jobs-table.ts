import type { CronJobRow } from '../model/events.ts'
import { jobColumns, jobIdOf, jobJson } from './job-columns.ts'
import type { Table } from './table.ts'

export const cronJobsTable: Table<CronJobRow> = {
  entity: 'cronJob',
  name: 'cron_job',
  key: jobIdOf,
  columns: [
    ...jobColumns,
    { name: 'config_id', type: 'text', value: (row) => row.configId },
    { name: 'cron_schedule', type: 'text', value: (row) => row.cronSchedule },
    { name: 'cron_collision_policy', type: 'text', value: (row) => row.cronCollisionPolicy },
    { name: 'instance_count', type: 'int4', value: (row) => row.instanceCount },
    { name: 'owner', type: 'json', value: (row) => row.owner },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  rowJson: `json_build_object(${jobJson}, 'configId', config_id,
    'cronSchedule', cron_schedule, 'cronCollisionPolicy', cron_collision_policy, 'instanceCount', instance_count,
    'owner', owner, 'version', version)`,
  facetsJson: `json_build_object(${jobJson}, 'configId', config_id,
    'version', version)`,
  scopes: (row) => [`role:${row.role}`, `job:${jobIdOf(row)}`],
  scopeVersion: {
    role: 'select max(version) from cron_job where role = $1',
    job: 'select version from cron_job where job_id = $1',
  },
  job: (row) => ({ jobId: jobIdOf(row), counter: 'cron_jobs' }),
  configs: (row) => [row.configId],
}
