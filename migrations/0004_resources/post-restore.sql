-- Schema 4: what jobs and roles use of what they may, for SQL. Column resources of task_config is made by pre-restore.sql.

-- What a config asks for; null for none. The first of each kind counts, as it does for quotas. An amount is a number, or
-- text where a number would not be exact.
create view task_config_resources as
  select config_id,
         (jsonb_path_query_first(resources, '$[*].numCpus') #>> '{}')::double precision as num_cpus,
         (jsonb_path_query_first(resources, '$[*].ramMb') #>> '{}')::bigint as ram_mb,
         (jsonb_path_query_first(resources, '$[*].diskMb') #>> '{}')::bigint as disk_mb,
         version
  from task_config;

-- What the tasks of a job ask for that take part in it. Costs the number of tasks. Sums are no integers: that of two
-- amounts can be beyond any.
create view job_usage as
  select t.job_id, t.role, t.environment, t.job_name as name,
         sum(t.tasks)::int as tasks,
         coalesce(sum(t.tasks * c.num_cpus), 0) as num_cpus,
         coalesce(sum(t.tasks * c.ram_mb::double precision), 0) as ram_mb,
         coalesce(sum(t.tasks * c.disk_mb::double precision), 0) as disk_mb,
         max(t.version) as changed_lsn
  from (select job_id, role, environment, job_name, config_id, count(*) as tasks, max(version) as version
        from task where status not in ('FINISHED', 'FAILED', 'KILLED', 'LOST')
        group by job_id, role, environment, job_name, config_id) t
       join task_config_resources c using (config_id)
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

grant select on task_config_resources, job_usage, role_usage to boreal_reader;
