-- Back to schema 3. Nothing is lost: all of it is computed.
drop view role_usage;
drop view job_usage;
alter table task_config drop column num_cpus, drop column ram_mb, drop column disk_mb;
