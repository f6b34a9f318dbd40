import type { CronJobRow } from '../model/events.ts'
import { jobColumns, jobIdOf } from './job-columns.ts'
import type { Table } from './table.ts'

export const cronJobsTable: Table<CronJobRow> = {
  entity: 'cronJob',
  name: 'cron_job',
  key: jobIdOf,
  columns: [
    ...jobColumns,
    { name: 'config_id', type: 'text', field: 'configId', value: (row) => row.configId },
    { name: 'cron_schedule', type: 'text', field: 'cronSchedule', value: (row) => row.cronSchedule },
    {
      name: 'cron_collision_policy',
      type: 'text',
      field: 'cronCollisionPolicy',
      value: (row) => row.cronCollisionPolicy,
    },
    { name: 'instance_count', type: 'int4', field: 'instanceCount', value: (row) => row.instanceCount },
    { name: 'owner', type: 'json', field: 'owner', value: (row) => row.owner },
    { name: 'version', type: 'int8', value: (_row, meta) => meta.version },
  ],
  facets: ['role', 'environment', 'jobName', 'configId'],
  scopes: (row) => [`role:${row.role}`, `job:${jobIdOf(row)}`],
  scopeVersion: {
    role: 'select max(version) from cron_job where role = given.value',
    job: 'select version from cron_job where job_id = given.value',
  },
  job: (row) => ({ jobId: jobIdOf(row), counter: 'cron_jobs' }),
  configs: (row) => [row.configId],
}
