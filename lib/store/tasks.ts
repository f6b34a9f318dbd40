import { type RawBuilder, sql } from 'kysely'
import { byKey, compile } from './dialect.ts'
import { jsonOfSql, jsonRaw, jsonString, jsonText, optional } from './json-text.ts'
import { bytesBefore, fitsPage, type PageOptions } from './read.ts'
import type { Statement } from './statement.ts'
import { accessPath, type TaskFilter, taskCondition } from './task-filter.ts'

/** Reads of tasks. A record is Aurora's ScheduledTask with its config in place, and the version. */
const taskRecord = jsonText({
  assignedTask: jsonOfSql(
    jsonText({
      taskId: jsonString('t.task_id'),
      instanceId: jsonRaw('t.instance_id'),
      slaveId: optional(jsonString('t.slave_id')),
      slaveHost: optional(jsonString('t.slave_host')),
      assignedPorts: jsonRaw('t.assigned_ports'),
      task: jsonRaw('c.config'),
    }),
  ),
  status: jsonString('t.status'),
  failureCount: jsonRaw('t.failure_count'),
  timesPartitioned: jsonRaw('t.times_partitioned'),
  taskEvents: jsonRaw('t.task_events'),
  ancestorId: optional(jsonString('t.ancestor_id')),
  version: jsonRaw('t.version'),
})

/** One task by id. */
export const taskById = byKey(
  (taskId) =>
    sql`select t.task_id, ${taskRecord} from task t join task_config c using (config_id) where t.task_id = ${taskId}`,
)

/**
 * A page of tasks in the order of their ids. Each value of the access path gives its own first rows and the page is
 * merged from these, so a page costs the page, not the number of tasks that match.
 */
export function taskPage(filter: TaskFilter, { after, limit }: PageOptions): Statement {
  const path = accessPath(filter)
  const rows = (condition: RawBuilder<boolean>) =>
    sql`select * from task where ${condition} and task_id > ${after ?? ''} order by task_id limit ${limit + 1}`
  const found =
    path === undefined
      ? rows(taskCondition(filter))
      : sql`select m.* from unnest(${path.values}) as path(value),
              lateral (${rows(sql`${sql.ref(path.column)} = path.value and ${taskCondition(path.rest)}`)}) m
            order by m.task_id limit ${limit + 1}`
  const rowsWithConfigs = sql`select m.*, c.config from (${found}) m join task_config c using (config_id)`
  const sized = sql`select m.*, ${bytesBefore(['config', 'task_events'], 'task_id')} from (${rowsWithConfigs}) m`
  return compile(
    sql`select t.task_id, ${taskRecord} from (${sized}) t, lateral (select t.config) c
        where ${fitsPage} order by t.task_id`,
  )
}
