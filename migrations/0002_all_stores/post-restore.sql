-- Schema 2: everything else a scheduler keeps: cron jobs, job updates, host maintenance, locks, its own id.

-- A job exists while it has tasks, a cron job or updates.
alter table job
  add column cron_jobs         int not null default 0,
  add column active_updates    int not null default 0,
  add column terminal_updates  int not null default 0,
  add column new_updates       int not null default 0;

create table cron_job (
  job_id                 text primary key references job,
  role                   text not null,
  environment            text not null,
  job_name               text not null,
  config_id              text not null references task_config,
  cron_schedule          text,
  cron_collision_policy  text not null,
  instance_count         int not null,
  owner                  json,
  version                bigint not null
);
create index cron_job_role on cron_job (role, version);
create index cron_job_config_id on cron_job (config_id);

create table host_maintenance (
  host                  text primary key,
  default_sla_policy    json,
  timeout_secs          bigint not null,
  created_timestamp_ms  bigint not null,
  version               bigint not null
);

-- What changes about an update. `status` follows from its events: null while there is none. user_name, because user is
-- a reserved word: `select user` would silently answer with the name of the database's user.
create table job_update (
  update_key        text primary key,
  job_id            text not null references job,
  role              text not null,
  environment       text not null,
  job_name          text not null,
  update_id         text not null,
  user_name         text not null,
  status            text,
  created_ms        bigint,
  status_ms         bigint,
  last_modified_ms  bigint,
  events            int not null,
  instance_events   int not null,
  lock_token        text,
  version           bigint not null
) with (fillfactor = 70);
-- Newest modified first; one without events comes last.
create index job_update_modified
  on job_update (coalesce(last_modified_ms, -9223372036854775808) desc, update_key);
create index job_update_job on job_update (job_id, version);
create index job_update_role on job_update (role, version);
create index job_update_status on job_update (status, update_key);

-- What an update is to do; never changes.
create table job_update_instructions (
  update_key     text primary key references job_update,
  initial_state  json not null,
  desired_state  json,
  settings       json not null,
  metadata       json,
  version        bigint not null
);

create table job_update_config (
  update_key  text not null references job_update,
  config_id   text not null references task_config,
  version     bigint not null,
  primary key (update_key, config_id)
);
create index job_update_config_id on job_update_config (config_id);

-- Events, in the order of their time, then of their arrival (`ordinal`).
create table job_update_event (
  update_key    text not null references job_update,
  event_id      text not null,
  ordinal       int not null,
  status        text not null,
  timestamp_ms  bigint not null,
  user_name     text,
  message       text,
  version       bigint not null,
  primary key (update_key, event_id)
);
create index job_update_event_time on job_update_event (update_key, timestamp_ms, ordinal);

create table job_instance_update_event (
  update_key    text not null references job_update,
  event_id      text not null,
  ordinal       int not null,
  instance_id   int not null,
  action        text not null,
  timestamp_ms  bigint not null,
  message       text,
  version       bigint not null,
  primary key (update_key, event_id)
);
create index job_instance_update_event_time on job_instance_update_event (update_key, timestamp_ms, ordinal);
create index job_instance_update_event_instance
  on job_instance_update_event (update_key, instance_id, timestamp_ms, ordinal);

create table lock (
  job_id        text primary key,
  role          text not null,
  environment   text not null,
  job_name      text not null,
  token         text not null,
  user_name     text not null,
  timestamp_ms  bigint not null,
  message       text,
  version       bigint not null
);
create index lock_role on lock (role, version);
-- No two locks have one token; the writer sees to it. Not a constraint: two entries that pass a token on, folded into
-- one statement, would break it on the way.
create index lock_token on lock (token);

-- One row at most.
create table scheduler (
  one           text primary key check (one = ''),
  framework_id  text not null,
  version       bigint not null
);

drop view role;
drop view role_summary;
drop view job_summary;

create view job_summary as
  select job_id, role, environment, name,
         init, throttled, pending, assigned, starting, running, killing, preempting, restarting, draining, partitioned,
         finished, failed, killed, lost,
         throttled + pending + assigned + starting + running + killing + preempting + restarting + draining
           + partitioned as active,
         finished + failed + killed + lost as terminal,
         cron_jobs, active_updates, active_updates + terminal_updates + new_updates as updates,
         version as changed_lsn
  from job;

-- When anything last left a role. What leaves a role changes it, too.
create view boreal.role_departure as
  select substr(scope, 6) as role, max(version) as version
  from boreal.departure
  where entity in ('task', 'cronJob', 'jobUpdate', 'quota') and scope like 'role:%'
  group by 1;

create view role_summary as
  select role,
         count(job_id)::int as jobs,
         coalesce(sum(cron_jobs), 0)::int as cron_jobs,
         coalesce(sum(active_updates), 0)::int as active_updates,
         coalesce(sum(init), 0)::int as init, coalesce(sum(throttled), 0)::int as throttled,
         coalesce(sum(pending), 0)::int as pending, coalesce(sum(assigned), 0)::int as assigned,
         coalesce(sum(starting), 0)::int as starting, coalesce(sum(running), 0)::int as running,
         coalesce(sum(killing), 0)::int as killing, coalesce(sum(preempting), 0)::int as preempting,
         coalesce(sum(restarting), 0)::int as restarting, coalesce(sum(draining), 0)::int as draining,
         coalesce(sum(partitioned), 0)::int as partitioned, coalesce(sum(finished), 0)::int as finished,
         coalesce(sum(failed), 0)::int as failed, coalesce(sum(killed), 0)::int as killed,
         coalesce(sum(lost), 0)::int as lost,
         coalesce(sum(active), 0)::int as active, coalesce(sum(terminal), 0)::int as terminal,
         greatest(max(j.changed_lsn), max(q.version), max(d.version)) as changed_lsn
  from job_summary j full join quota q using (role) left join boreal.role_departure d using (role)
  group by role;

-- A role exists while it has a job or a quota. What leaves it changes it, too.
create view role as
  select role,
         greatest(max(j.version), max(q.version), max(d.version)) as version
  from job j full join quota q using (role) left join boreal.role_departure d using (role)
  group by role;

-- How far an update is: its instances by the last thing that was done to them.
create view job_update_progress as
  select update_key, action, count(*)::int as instances, max(version) as version
  from (select distinct on (update_key, instance_id) update_key, instance_id, action, version
        from job_instance_update_event
        order by update_key, instance_id, timestamp_ms desc, ordinal desc) last_action
  group by update_key, action;

grant select on all tables in schema public, boreal to boreal_reader;
