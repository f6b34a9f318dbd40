import { sql } from 'kysely'
import { byKey, compile } from './dialect.ts'
import { jobKeyText, jsonOfSql, jsonRaw, jsonString, jsonText, optional } from './json-text.ts'
import { bytesBefore, fitsPage, type PageOptions } from './read.ts'
import type { Statement } from './statement.ts'

/** Reads of cron jobs. A record is Aurora's JobConfiguration with its config in place, and the version. */
const cronJobRecord = jsonText({
  key: jsonOfSql(jobKeyText),
  owner: optional(jsonRaw('owner')),
  cronSchedule: optional(jsonString('cron_schedule')),
  cronCollisionPolicy: jsonString('cron_collision_policy'),
  taskConfig: jsonRaw('config'),
  instanceCount: jsonRaw('instance_count'),
  version: jsonRaw('version'),
})

const withConfig = sql`select j.*, c.config from cron_job j join task_config c using (config_id)`

export const cronJobById = byKey(
  (jobId) => sql`select job_id, ${cronJobRecord} from (${withConfig}) j where job_id = ${jobId}`,
)

/** A page of cron jobs by key; of some roles when any are named. */
export function cronJobPage(roles: string[], { after, limit }: PageOptions): Statement {
  const inRole = roles.length === 0 ? sql`true` : sql`role = any(${roles}::text[])`
  const found = sql`select * from (${withConfig}) j where job_id > ${after ?? ''} and ${inRole} order by job_id limit ${limit + 1}`
  const sized = sql`select j.*, ${bytesBefore(['config'], 'job_id')} from (${found}) j`
  return compile(sql`select job_id, ${cronJobRecord} from (${sized}) j where ${fitsPage} order by job_id`)
}
