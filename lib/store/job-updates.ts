import { type RawBuilder, sql } from 'kysely'
import type { JobUpdateRow } from '../model/events.ts'
import { isTerminalUpdate, TERMINAL_UPDATE_STATUSES } from '../model/job-update-status.ts'
import { byKey, compile } from './dialect.ts'
import { FIND_LIMIT, type Find } from './find.ts'
import { jobUpdatesTable } from './job-updates-table.ts'
import {
  jobKeyText,
  jsonInt64,
  jsonOfSql,
  jsonRaw,
  jsonString,
  jsonText,
  jsonWord,
  largeJsonText,
  optional,
  optionalSql,
} from './json-text.ts'
import { bytesBefore, fitsPage, type PageOptions } from './read.ts'
import { rowColumns } from './read-rows.ts'
import { type Statement, statement } from './statement.ts'

/** Reads of job updates: summaries in pages, the details of one, and the events of its instances. */

export const updateKeyText = jsonText({ job: jsonOfSql(jobKeyText), id: jsonString('update_id') })

/** The state that follows from the events; an update without any has none. */
const state = sql`case when status is not null then ${jsonText({
  status: jsonWord('status'),
  createdTimestampMs: jsonInt64('created_ms'),
  lastModifiedTimestampMs: jsonInt64('last_modified_ms'),
})} end`

const summaryFields = {
  key: jsonOfSql(updateKeyText),
  user: jsonString('user_name'),
  state: optionalSql(state),
  metadata: optional(jsonRaw('metadata')),
}

const summaryRecord = jsonText({ ...summaryFields, version: jsonRaw('version') })

/** SQL of a summary's text without the version, from the columns of `job_update` and its metadata. */
export const summaryText = jsonText(summaryFields)

/** SQL of one instance configuration, from its stored form: a config by id, and ranges. */
function instanceConfig(stored: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(select '{"task":' || c.config::text || ',"instances":' || (${stored} -> 'instances')::text || '}'
    from task_config c where c.config_id = ${stored} ->> 'configId')`
}

const instructions = jsonText({
  initialState: jsonOfSql(sql`'[' || coalesce((
    select string_agg(${instanceConfig(sql`e.value`)}, ',' order by e.place)
    from json_array_elements(i.initial_state) with ordinality as e(value, place)), '') || ']'`),
  desiredState: optionalSql(
    sql`case when i.desired_state is not null then ${instanceConfig(sql`i.desired_state`)} end`,
  ),
  settings: jsonRaw('i.settings'),
})

/** Ids that begin with # are ours; clients do not see them. */
const clientsId = optionalSql(sql`case when event_id not like '#%' then to_json(event_id)::text end`)

const updateEvent = jsonText({
  status: jsonWord('status'),
  timestampMs: jsonInt64('timestamp_ms'),
  user: optional(jsonString('user_name')),
  message: optional(jsonString('message')),
  id: clientsId,
})

const instanceEvent = jsonText({
  instanceId: jsonRaw('instance_id'),
  timestampMs: jsonInt64('timestamp_ms'),
  action: jsonWord('action'),
  message: optional(jsonString('message')),
  id: clientsId,
})

function eventsOf(table: string, event: RawBuilder<string>): RawBuilder<unknown> {
  return sql`concat('[', (
    select string_agg(${event}, ',' order by timestamp_ms, ordinal)
    from ${sql.table(table)} e where e.update_key = u.update_key), ']')`
}

const detailsRecord = largeJsonText({
  update: jsonOfSql(jsonText({ summary: jsonOfSql(summaryText), instructions: jsonOfSql(instructions) })),
  updateEvents: jsonOfSql(eventsOf('job_update_event', updateEvent)),
  instanceEvents: jsonOfSql(eventsOf('job_instance_update_event', instanceEvent)),
  version: jsonRaw('u.version'),
})

/** Compiled once: it is long, and read again and again. */
const details = compile(
  sql`select u.update_key, case when u.version = ${null}::int8 then null else ${detailsRecord} end, u.version
      from job_update u join job_update_instructions i using (update_key) where u.update_key = ${null}`,
)

/**
 * One update with everything that belongs to it, and its version. The text is NULL if that is the version that is known:
 * whatever changes about an update changes its row, so there is nothing new to say.
 */
export function jobUpdateByKey(key: string, known?: number): Statement {
  return statement(details.sql, known, key)
}

/** Which updates: all restrictions AND, the values inside one OR. */
export interface JobUpdateFilter {
  roles?: string[] | undefined
  jobIds?: string[] | undefined
  users?: string[] | undefined
  statuses?: string[] | undefined
}

/** Before everything that has a time. */
const NEVER = '-9223372036854775808'

const modified = sql`coalesce(last_modified_ms, ${sql.raw(NEVER)})`

/**
 * A page of summaries, newest modified first. The place in the order is part of the cursor: an update that does not
 * change while one pages comes exactly once.
 */
export function jobUpdatePage(filter: JobUpdateFilter, { after, limit }: PageOptions): Statement {
  const conditions: RawBuilder<unknown>[] = []
  const restrict = (column: string, values: string[] | undefined) => {
    if (values !== undefined) conditions.push(sql`${sql.ref(column)} = any(${values}::text[])`)
  }
  restrict('role', filter.roles)
  restrict('job_id', filter.jobIds)
  restrict('user_name', filter.users)
  restrict('status', filter.statuses)
  if (after !== undefined) conditions.push(behind(after))
  const where = conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `)
  const found = sql`select u.*, (select i.metadata from job_update_instructions i where i.update_key = u.update_key)
      from (select * from job_update where ${where} order by ${modified} desc, update_key limit ${limit + 1}) u`
  const place = sql`(-(${modified})::numeric, update_key)`
  const sized = sql`select u.*, ${bytesBefore(['metadata'], place)} from (${found}) u`
  return compile(
    sql`select ${modified} || ' ' || update_key, ${summaryRecord} from (${sized}) u where ${fitsPage}
        order by ${modified} desc, update_key`,
  )
}

function behind(place: string): RawBuilder<unknown> {
  const space = place.indexOf(' ')
  const [time, key] = [place.slice(0, space), place.slice(space + 1)]
  return sql`(${modified} < ${time}::int8 or (${modified} = ${time}::int8 and update_key > ${key}))`
}

/** A page of the events of an update's instances, in their order; of some instances when any are named. */
export function instanceEventPage(update: string, instances: number[], { after, limit }: PageOptions): Statement {
  const ofInstances = instances.length === 0 ? sql`true` : sql`instance_id = any(${instances}::int4[])`
  const [time, ordinal] = after?.split(' ') ?? []
  const behindPlace = after === undefined ? sql`true` : sql`(timestamp_ms, ordinal) > (${time}::int8, ${ordinal}::int4)`
  const found = sql`select * from job_instance_update_event
      where update_key = ${update} and ${ofInstances} and ${behindPlace}
      order by timestamp_ms, ordinal limit ${limit + 1}`
  const sized = sql`select e.*, ${bytesBefore(['message'], sql`(timestamp_ms, ordinal)`)} from (${found}) e`
  return compile(
    sql`select timestamp_ms || ' ' || ordinal, ${instanceEvent} from (${sized}) e where ${fitsPage}
        order by timestamp_ms, ordinal`,
  )
}

/** How far an update is: instances by the last thing that was done to them. */
export const jobUpdateProgress = byKey((update) => {
  const record = jsonText({
    key: jsonOfSql(updateKeyText),
    state: optionalSql(state),
    instances: jsonOfSql(sql`coalesce((select json_object_agg(p.action, p.instances order by p.action)::text
      from job_update_progress p where p.update_key = u.update_key), '{}')`),
    version: jsonRaw('version'),
  })
  return sql`select update_key, ${record} from job_update u where update_key = ${update}`
})

/** Every update that has come to its end. */
export const findTerminalUpdates: Find<JobUpdateRow> = {
  table: jobUpdatesTable,
  name: 'terminal',
  statement: () =>
    statement(
      `select ${rowColumns(jobUpdatesTable)}
       from (select * from job_update where status = any($1::text[]) limit $2::int4) job_update`,
      [...TERMINAL_UPDATE_STATUSES],
      FIND_LIMIT,
    ),
  matches: (row) => isTerminalUpdate(row.status),
}
