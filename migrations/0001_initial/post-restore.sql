-- Schema 1: tasks, their configs and jobs, quotas, hosts.
--
-- Laws of the schema:
--   * every table has `version`, the LSN of the row's last change;
--   * no sequences, no now(), no local times: ids come from content or the event, times from the log entry;
--   * leaf detail is `json`, not `jsonb`: the text written is the text read, so int64 and double keep their digits.

create schema boreal;

-- Where this store stands in the log. One row, changed in the same SQL transaction as everything else.
create table boreal.applied (
  one      int primary key check (one = 1),
  lsn      bigint not null,
  hash     text not null,
  time_ms  bigint not null
);

-- Migrations that made this schema, with what undoes them.
create table boreal.schema_migration (
  number    int primary key,
  name      text not null,
  checksum  text not null,
  down_sql  text not null
);

-- Idempotency keys of clients since the horizon: 16 bytes of hash over principal and key -> place in the log.
create table boreal.idempotency (
  key_hash  bytea primary key,
  lsn       bigint not null,
  index     int not null,
  time_ms   bigint not null
);
create index idempotency_time on boreal.idempotency (time_ms);

-- What is older than the horizon is forgotten. One row.
create table boreal.horizon (
  one         int primary key check (one = 1),
  time_ms     bigint not null,
  before_lsn  bigint not null
);

-- LSN of the last change of an entity, anywhere.
create table boreal.entity_change (
  entity   text primary key,
  version  bigint not null
);

-- LSN of the last time a row left a scope (removed, or moved to another one). With the versions of the rows that are
-- in the scope now, it says when the scope last changed.
create table boreal.departure (
  entity   text not null,
  scope    text not null,
  version  bigint not null,
  primary key (entity, scope)
);
create index departure_version on boreal.departure (version);

-- A job exists while something belongs to it. Counts by task status, so summaries cost the number of jobs.
create table job (
  job_id        text primary key,
  role          text not null,
  environment   text not null,
  name          text not null,
  init          int not null default 0,
  throttled     int not null default 0,
  pending       int not null default 0,
  assigned      int not null default 0,
  starting      int not null default 0,
  running       int not null default 0,
  killing       int not null default 0,
  preempting    int not null default 0,
  restarting    int not null default 0,
  draining      int not null default 0,
  partitioned   int not null default 0,
  finished      int not null default 0,
  failed        int not null default 0,
  killed        int not null default 0,
  lost          int not null default 0,
  task_version  bigint not null default 0,
  version       bigint not null
) with (fillfactor = 70);
create index job_role on job (role, environment);

-- A config exists while something refers to it.
create table task_config (
  config_id  text primary key,
  config     json not null,
  version    bigint not null
);

create table task (
  task_id            text primary key,
  job_id             text not null references job,
  role               text not null,
  environment        text not null,
  job_name           text not null,
  instance_id        int not null,
  status             text not null,
  slave_host         text,
  slave_id           text,
  config_id          text not null references task_config,
  failure_count      int not null,
  times_partitioned  int not null,
  ancestor_id        text,
  task_events        json not null,
  assigned_ports     json not null,
  created_ms         bigint not null,
  updated_ms         bigint not null,
  version            bigint not null
);
-- Ways to a task. The task id behind the column gives pages in the order of the primary key at the cost of the page.
create index task_job on task (job_id, task_id);
create index task_instance on task (job_id, instance_id);
create index task_slave_host on task (slave_host, task_id) where slave_host is not null;
create index task_status on task (status, task_id);
create index task_config_id on task (config_id);

create table quota (
  role      text primary key,
  num_cpus  double precision not null,
  ram_mb    bigint not null,
  disk_mb   bigint not null,
  quota     json not null,
  version   bigint not null
);

create table host (
  host        text primary key,
  slave_id    text,
  mode        text not null,
  attributes  json not null,
  version     bigint not null
);
create index host_mode on host (mode);

create view host_attribute as
  select h.host, a.value ->> 'name' as name, v.value as value, h.version
  from host h, json_array_elements(h.attributes) a, json_array_elements_text(a.value -> 'values') v;

create view job_summary as
  select job_id, role, environment, name,
         init, throttled, pending, assigned, starting, running, killing, preempting, restarting, draining, partitioned,
         finished, failed, killed, lost,
         throttled + pending + assigned + starting + running + killing + preempting + restarting + draining
           + partitioned as active,
         finished + failed + killed + lost as terminal,
         version as changed_lsn
  from job;

create view role_summary as
  select role,
         count(job_id)::int as jobs,
         coalesce(sum(init), 0)::int as init, coalesce(sum(throttled), 0)::int as throttled,
         coalesce(sum(pending), 0)::int as pending, coalesce(sum(assigned), 0)::int as assigned,
         coalesce(sum(starting), 0)::int as starting, coalesce(sum(running), 0)::int as running,
         coalesce(sum(killing), 0)::int as killing, coalesce(sum(preempting), 0)::int as preempting,
         coalesce(sum(restarting), 0)::int as restarting, coalesce(sum(draining), 0)::int as draining,
         coalesce(sum(partitioned), 0)::int as partitioned, coalesce(sum(finished), 0)::int as finished,
         coalesce(sum(failed), 0)::int as failed, coalesce(sum(killed), 0)::int as killed,
         coalesce(sum(lost), 0)::int as lost,
         coalesce(sum(active), 0)::int as active, coalesce(sum(terminal), 0)::int as terminal,
         greatest(max(j.changed_lsn), max(q.version)) as changed_lsn
  from job_summary j full join quota q using (role)
  group by role;

-- A role exists while it has a job or a quota.
create view role as
  select role, greatest(max(j.version), max(q.version)) as version
  from job j full join quota q using (role)
  group by role;

insert into boreal.applied values (1, 0, '', 0);
insert into boreal.horizon values (1, 0, 0);

-- What user SQL runs as. Table functions that reach outside the query are out of its reach (see lib/store/sql-guard.ts).
create role boreal_reader nologin;
grant usage on schema boreal to boreal_reader;
grant select on all tables in schema public, boreal to boreal_reader;
revoke execute on function set_config(text, text, boolean) from public;
do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$;
