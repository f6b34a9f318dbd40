-- Back to schema 1. What it has no tables for is lost here, and comes back from the log with schema 2.
drop view job_update_progress;
drop view role;
drop view role_summary;
drop view boreal.role_departure;
drop view job_summary;
drop table scheduler;
drop table lock;
drop table job_instance_update_event;
drop table job_update_event;
drop table job_update_config;
drop table job_update_instructions;
drop table job_update;
drop table host_maintenance;
drop table cron_job;

-- A job that has no tasks does not exist in schema 1, nor a config that no task has.
delete from job
  where init + throttled + pending + assigned + starting + running + killing + preempting + restarting + draining
          + partitioned + finished + failed + killed + lost = 0;
delete from task_config c where not exists (select from task t where t.config_id = c.config_id);
alter table job drop column cron_jobs, drop column active_updates, drop column terminal_updates, drop column new_updates;

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

create view role as
  select role, greatest(max(j.version), max(q.version)) as version
  from job j full join quota q using (role)
  group by role;

grant select on all tables in schema public to boreal_reader;
