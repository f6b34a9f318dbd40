import type { BenchTask } from '../tasks.ts'

/** The task table as Boreal has it (migrations/), with all its indexes, in words that every SQL database knows. */
export const TASK_SCHEMA = [
  'create table if not exists task_config (config_id varchar(64) primary key, config text not null)',
  `create table if not exists task (task_id varchar(255) primary key, job_id varchar(800) not null,
     role varchar(255) not null, environment varchar(255) not null, job_name varchar(255) not null,
     instance_id int not null, status varchar(32) not null, slave_host varchar(255), slave_id varchar(255),
     config_id varchar(64) not null references task_config, failure_count int not null, times_partitioned int not null,
     ancestor_id varchar(255), task_events text not null, assigned_ports text not null, created_ms bigint not null,
     updated_ms bigint not null, version bigint not null)`,
  'create index if not exists task_job on task (job_id, task_id)',
  'create index if not exists task_instance on task (job_id, instance_id)',
  'create index if not exists task_slave_host on task (slave_host, task_id)',
  'create index if not exists task_status on task (status, task_id)',
  'create index if not exists task_config_id on task (config_id)',
]

/** Idempotency keys as Boreal keeps them. */
export const KEY_SCHEMA = [
  'create table if not exists idempotency (key_hash varchar(64) primary key, lsn bigint, idx int, time_ms bigint)',
  'create index if not exists idempotency_time on idempotency (time_ms)',
]

const COLUMNS = [
  ...['task_id', 'job_id', 'role', 'environment', 'job_name', 'instance_id', 'status', 'slave_host', 'slave_id'],
  ...['config_id', 'failure_count', 'times_partitioned', 'ancestor_id', 'task_events', 'assigned_ports'],
  ...['created_ms', 'updated_ms', 'version'],
]

export type Value = string | number | null

/** A task as a row of that table. */
export function taskValues(task: BenchTask): Value[] {
  const { role, environment, name } = task.job
  return [
    ...[task.taskId, task.jobId, role, environment, name, task.instanceId, task.status, task.host],
    ...[`agent-${task.host}`, task.configId, 0, 0, null, task.events, task.ports, task.createdMs, task.createdMs, 1],
  ]
}

/** Reads a task whole, with its config. */
export const SELECT_TASK = `select ${COLUMNS.map((column) => `t.${column}`).join(', ')}, c.config
  from task t join task_config c on c.config_id = t.config_id`

/** Changes the status of a task that has the other one. The event is added at the end of the JSON text. */
export function changeSql(parameter: (number: number) => string): string {
  return `update task set status = ${parameter(1)}, updated_ms = updated_ms + 1, version = version + 1,
    task_events = substr(task_events, 1, length(task_events) - 1) || ${parameter(2)}
    where task_id = ${parameter(3)} and status = ${parameter(4)}`
}

/** Parameters of {@link changeSql}. */
export function changeValues(taskId: string, from: string, to: string): Value[] {
  return [to, `,{"timestamp":1478000000000,"status":"${to}"}]`, taskId, from]
}
