-- Schema 4: what jobs and roles use of what they may, for SQL. The columns of task_config are made by pre-restore.sql.

-- What the tasks of a job ask for that take part in it. Costs the number of tasks. Sums are no integers: that of two
-- amounts can be beyond any.
create view job_usage as
  select t.job_id, t.role, t.environment, t.job_name as name,
         count(*)::int as tasks,
         coalesce(sum(c.num_cpus), 0) as num_cpus,
         coalesce(sum(c.ram_mb::double precision), 0) as ram_mb,
         coalesce(sum(c.disk_mb::double precision), 0) as disk_mb,
         max(t.version) as changed_lsn
  from task t join task_config c using (config_id)
  where t.status not in ('FINISHED', 'FAILED', 'KILLED', 'LOST')
  group by t.job_id, t.role, t.environment, t.job_name;

-- The same by role, beside what it may use; a role without a quota has none of quota_….
create view role_usage as
  select role,
         coalesce(u.tasks, 0) as tasks,
         coalesce(u.num_cpus, 0) as num_cpus, q.num_cpus as quota_num_cpus,
         coalesce(u.ram_mb, 0) as ram_mb, q.ram_mb as quota_ram_mb,
         coalesce(u.disk_mb, 0) as disk_mb, q.disk_mb as quota_disk_mb,
         greatest(u.changed_lsn, q.version) as changed_lsn
  from (select role, sum(tasks)::int as tasks, sum(num_cpus) as num_cpus, sum(ram_mb) as ram_mb,
               sum(disk_mb) as disk_mb, max(changed_lsn) as changed_lsn
        from job_usage group by role) u
       full join quota q using (role);

grant select on job_usage, role_usage to boreal_reader;
