import { type RawBuilder, sql } from 'kysely'
import { SCHEDULE_STATUSES } from '../model/schedule-status.ts'
import { byKey, compile } from './dialect.ts'
import { taskCounters } from './jobs.ts'
import { jsonOfSql, jsonRaw, jsonString, jsonText, optional } from './json-text.ts'
import type { PageOptions } from './read.ts'
import type { Statement } from './statement.ts'

/** Reads of role summaries: the jobs of a role summed, and its quota. A role exists while it has a job or a quota. */
const roleRecord = jsonText({
  role: jsonString('role'),
  jobs: jsonRaw('jobs'),
  cronJobs: jsonRaw('cron_jobs'),
  tasks: jsonOfSql(taskCounters),
  active: jsonRaw('active'),
  terminal: jsonRaw('terminal'),
  quota: optional(jsonRaw('quota')),
  changedLsn: jsonRaw('changed_lsn'),
})

/** SQL of the LSN at which anything last left a role. A role is changed by what leaves it, too. */
export function leftRole(role: string): string {
  return `(select max(d.version) from boreal.departure d
    where d.entity in ('task', 'cronJob', 'jobUpdate', 'quota') and d.scope = 'role:' || ${role})`
}

const sums = sql.join(
  SCHEDULE_STATUSES.map((status) => status.toLowerCase()).map(
    (column) => sql`coalesce(sum(${sql.ref(column)}), 0) as ${sql.ref(column)}`,
  ),
)

/** Summaries of the roles that `roles` gives: first the names, so that a page costs the jobs of its roles. */
function summaries(roles: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select role, ${roleRecord} from (
      select r.role, count(j.job_id) as jobs, coalesce(sum(j.cron_jobs), 0) as cron_jobs, ${sums},
             coalesce(sum(j.active), 0) as active, coalesce(sum(j.terminal), 0) as terminal,
             (select q.quota from quota q where q.role = r.role) as quota,
             greatest(max(j.changed_lsn), (select q.version from quota q where q.role = r.role),
                      ${sql.raw(leftRole('r.role'))}) as changed_lsn
      from (${roles}) r left join job_summary j on j.role = r.role
      group by r.role
    ) summary where jobs > 0 or quota is not null order by role`
}

export const roleByName = byKey((role) => summaries(sql`select ${role}::text as role`))

export function rolePage({ after, limit }: PageOptions): Statement {
  const found = sql`
    (select distinct role from job where role > ${after ?? ''} order by role limit ${limit + 1})
    union
    (select role from quota where role > ${after ?? ''} order by role limit ${limit + 1})
    order by role limit ${limit + 1}`
  return compile(summaries(found))
}
