-- Data must find the columns that are computed from it: so each config is written once, with what it asks for. Added behind
-- the data they would have every config written again.
--
-- The first of each kind counts, as it does for quotas. An amount is a number, or text where a number would not be exact.
alter table if exists task_config
  add column if not exists num_cpus double precision generated always as
    ((jsonb_path_query_first((config -> 'resources')::jsonb, '$[*].numCpus') #>> '{}')::double precision) stored,
  add column if not exists ram_mb bigint generated always as
    ((jsonb_path_query_first((config -> 'resources')::jsonb, '$[*].ramMb') #>> '{}')::bigint) stored,
  add column if not exists disk_mb bigint generated always as
    ((jsonb_path_query_first((config -> 'resources')::jsonb, '$[*].diskMb') #>> '{}')::bigint) stored;
