/** The task table as Boreal has it (migrations/), with all its indexes, in the words of SQLite and PostgreSQL. */
export const TASK_SCHEMA = [
  'create table task_config (config_id text primary key, config text not null)',
  `create table task (task_id text primary key, job_id text not null, role text not null, environment text not null,
     job_name text not null, instance_id int not null, status text not null, slave_host text, slave_id text,
     config_id text not null references task_config, failure_count int not null, times_partitioned int not null,
     ancestor_id text, task_events text not null, assigned_ports text not null, version bigint not null)`,
  'create index task_job on task (job_id, task_id)',
  'create index task_instance on task (job_id, instance_id)',
  'create index task_slave_host on task (slave_host, task_id) where slave_host is not null',
  'create index task_status on task (status, task_id)',
  'create index task_config_id on task (config_id)',
]
