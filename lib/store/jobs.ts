import { sql } from 'kysely'
import { ACTIVE_UPDATE_STATUSES } from '../model/job-update-status.ts'
import { SCHEDULE_STATUSES } from '../model/schedule-status.ts'
import { byKey, compile } from './dialect.ts'
import { summaryText } from './job-updates.ts'
import { jsonCounters, jsonOfSql, jsonRaw, jsonString, jsonText, optionalSql } from './json-text.ts'
import type { PageOptions } from './read.ts'
import type { Statement } from './statement.ts'

/** Reads of job summaries: from the counters of table `job`, at the cost of the number of jobs. */
export const taskCounters = jsonCounters(
  Object.fromEntries(SCHEDULE_STATUSES.map((status) => [status, status.toLowerCase()])),
)

/** The update that goes on; should there be several, the one modified last. */
const newestActiveUpdate = sql`(
  select ${summaryText} from (
    select u.*, (select i.metadata from job_update_instructions i where i.update_key = u.update_key)
    from job_update u where u.job_id = job_summary.job_id and u.status = any(${ACTIVE_UPDATE_STATUSES}::text[])
    order by u.last_modified_ms desc, u.update_key limit 1) u)`

const jobRecord = jsonText({
  key: jsonOfSql(
    jsonText({ role: jsonString('role'), environment: jsonString('environment'), name: jsonString('name') }),
  ),
  tasks: jsonOfSql(taskCounters),
  active: jsonRaw('active'),
  terminal: jsonRaw('terminal'),
  cron: optionalSql(sql`case when cron_jobs > 0 then 'true' end`),
  activeUpdate: optionalSql(sql`case when active_updates > 0 then ${newestActiveUpdate} end`),
  changedLsn: jsonRaw('changed_lsn'),
})

export const jobById = byKey((jobId) => sql`select job_id, ${jobRecord} from job_summary where job_id = ${jobId}`)

/** A page of jobs by id; of some roles and environments when any are named. */
export function jobPage(of: { roles: string[]; environments: string[] }, { after, limit }: PageOptions): Statement {
  const inRole = of.roles.length === 0 ? sql`true` : sql`role = any(${of.roles}::text[])`
  const inEnvironment = of.environments.length === 0 ? sql`true` : sql`environment = any(${of.environments}::text[])`
  return compile(
    sql`select job_id, ${jobRecord} from job_summary
        where job_id > ${after ?? ''} and ${inRole} and ${inEnvironment} order by job_id limit ${limit + 1}`,
  )
}
