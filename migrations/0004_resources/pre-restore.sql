-- Data must find the column that is computed from it: so each config is written once, with what it asks for. Added behind
-- the data it would have every config written again. One column and not one for each kind: it costs one look at a config.
alter table if exists task_config
  add column if not exists resources jsonb generated always as ((config -> 'resources')::jsonb) stored;
