import type { JobUpdateKey } from '../model/job-update.ts'
import { TERMINAL_UPDATE_STATUSES } from '../model/job-update-status.ts'
import { TERMINAL_STATUSES } from '../model/schedule-status.ts'
import { type Statement, statement } from './statement.ts'

/** What is over and may go: the rules are Apache Aurora's (TaskHistoryPruner, JobUpdateHistoryPruner). */

export interface PrunableTasks {
  /** Terminal tasks that last changed at or before this go, ms. */
  beforeMs: number
  /** Of each job so many of the newest stay otherwise. */
  keepPerJob: number
  /** Those beyond them go only if they last changed at or before this, ms. */
  restedMs: number
  limit: number
}

/** Reads the ids of terminal tasks that may go, as one JSON array. */
export function prunableTasks({ beforeMs, keepPerJob, restedMs, limit }: PrunableTasks): Statement {
  return statement(
    `select json_agg(task_id) from (
       (select task_id from task where status = any($1::text[]) and updated_ms <= $2::int8)
       union
       (select task_id from (
          select task_id, updated_ms,
                 row_number() over (partition by job_id order by updated_ms desc, task_id) as place
          from task
          where job_id = any(array(select job_id from job where finished + failed + killed + lost > $3::int4))
            and status = any($1::text[])) ranked
        where place > $3::int4 and updated_ms <= $4::int8)
       order by task_id limit $5::int4) prunable`,
    [...TERMINAL_STATUSES],
    beforeMs,
    keepPerJob,
    restedMs,
    limit,
  )
}

export interface PrunableUpdates {
  /** Terminal updates created at or before this go, ms. */
  beforeMs: number
  /** Of each job so many of the newest stay otherwise. */
  keepPerJob: number
  limit: number
}

export interface PrunableUpdate {
  key: JobUpdateKey
  version: number
}

/** Reads terminal updates that may go, as one JSON array of {@link PrunableUpdate}. */
export function prunableUpdates({ beforeMs, keepPerJob, limit }: PrunableUpdates): Statement {
  return statement(
    `select json_agg(json_build_object(
       'key', json_build_object(
         'job', json_build_object('role', role, 'environment', environment, 'name', job_name), 'id', update_id),
       'version', version))
     from (
       select * from (
         select *, row_number() over (partition by job_id order by created_ms desc, update_key) as place
         from job_update where status = any($1::text[])) ranked
       where place > $2::int4 or created_ms <= $3::int8
       order by update_key limit $4::int4) prunable`,
    [...TERMINAL_UPDATE_STATUSES],
    keepPerJob,
    beforeMs,
    limit,
  )
}
