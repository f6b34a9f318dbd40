-- Back to schema 3. Nothing is lost: all of it is computed.
drop view role_usage;
drop view job_usage;
drop view task_config_resources;
alter table task_config drop column resources;
