/** The SQL schema as Kysely types. A test compares it with information_schema. */
export interface Schema {
  job: JobTable
  task_config: {
    config_id: string
    config: unknown
    version: number
    resources: unknown
  }
  task_config_resources: {
    config_id: string
    num_cpus: number | null
    ram_mb: number | null
    disk_mb: number | null
    version: number
  }
  task: TaskTable
  quota: { role: string; num_cpus: number; ram_mb: number; disk_mb: number; quota: unknown; version: number }
  host: { host: string; slave_id: string | null; mode: string; attributes: unknown; version: number }
  cron_job: CronJobTable
  host_maintenance: {
    host: string
    default_sla_policy: unknown
    timeout_secs: number
    created_timestamp_ms: number
    version: number
  }
  job_update: JobUpdateTable
  job_update_instructions: {
    update_key: string
    initial_state: unknown
    desired_state: unknown
    settings: unknown
    metadata: unknown
    version: number
  }
  job_update_config: { update_key: string; config_id: string; version: number }
  job_update_event: JobUpdateEventTable
  job_instance_update_event: JobInstanceUpdateEventTable
  job_update_progress: { update_key: string; action: string; instances: number; version: number }
  lock: LockTable
  scheduler: { one: string; framework_id: string; version: number }
  host_attribute: { host: string; name: string; value: string; version: number }
  job_summary: JobSummaryView
  role_summary: RoleSummaryView
  job_usage: JobUsageView
  role_usage: RoleUsageView
  role: { role: string; version: number }
  'boreal.applied': { one: number; lsn: number; hash: string; time_ms: number }
  'boreal.horizon': { one: number; time_ms: number; before_lsn: number }
  'boreal.idempotency': { key_hash: Uint8Array; lsn: number; index: number; time_ms: number }
  'boreal.entity_change': { entity: string; version: number }
  'boreal.role_departure': { role: string; version: number }
  'boreal.departure': { entity: string; scope: string; version: number }
  'boreal.format': { one: string; format: number; version: number }
  'boreal.schema_migration': { number: number; name: string; checksum: string; down_sql: string }
}

interface StatusCounters {
  init: number
  throttled: number
  pending: number
  assigned: number
  starting: number
  running: number
  killing: number
  preempting: number
  restarting: number
  draining: number
  partitioned: number
  finished: number
  failed: number
  killed: number
  lost: number
}

interface JobTable extends StatusCounters {
  job_id: string
  role: string
  environment: string
  name: string
  task_version: number
  version: number
  cron_jobs: number
  active_updates: number
  terminal_updates: number
  new_updates: number
}

interface JobSummaryView extends StatusCounters {
  job_id: string
  role: string
  environment: string
  name: string
  active: number
  terminal: number
  cron_jobs: number
  active_updates: number
  updates: number
  changed_lsn: number
}

interface RoleSummaryView extends StatusCounters {
  role: string
  jobs: number
  cron_jobs: number
  active_updates: number
  active: number
  terminal: number
  changed_lsn: number
}

interface JobUsageView {
  job_id: string
  role: string
  environment: string
  name: string
  tasks: number
  num_cpus: number
  ram_mb: number
  disk_mb: number
  changed_lsn: number
}

interface RoleUsageView {
  role: string
  tasks: number
  num_cpus: number
  quota_num_cpus: number | null
  ram_mb: number
  quota_ram_mb: number | null
  disk_mb: number
  quota_disk_mb: number | null
  changed_lsn: number
}

interface TaskTable {
  task_id: string
  job_id: string
  role: string
  environment: string
  job_name: string
  instance_id: number
  status: string
  slave_host: string | null
  slave_id: string | null
  config_id: string
  failure_count: number
  times_partitioned: number
  ancestor_id: string | null
  task_events: unknown
  assigned_ports: unknown
  created_ms: number
  updated_ms: number
  version: number
}

interface CronJobTable {
  job_id: string
  role: string
  environment: string
  job_name: string
  config_id: string
  cron_schedule: string | null
  cron_collision_policy: string
  instance_count: number
  owner: unknown
  version: number
}

interface JobUpdateTable {
  update_key: string
  job_id: string
  role: string
  environment: string
  job_name: string
  update_id: string
  user_name: string
  status: string | null
  created_ms: number | null
  status_ms: number | null
  last_modified_ms: number | null
  events: number
  instance_events: number
  lock_token: string | null
  version: number
}

interface JobUpdateEventTable {
  update_key: string
  event_id: string
  ordinal: number
  status: string
  timestamp_ms: number
  user_name: string | null
  message: string | null
  version: number
}

interface JobInstanceUpdateEventTable {
  update_key: string
  event_id: string
  ordinal: number
  instance_id: number
  action: string
  timestamp_ms: number
  message: string | null
  version: number
}

interface LockTable {
  job_id: string
  role: string
  environment: string
  job_name: string
  token: string
  user_name: string
  timestamp_ms: number
  message: string | null
  version: number
}
