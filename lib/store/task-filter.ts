import { type RawBuilder, sql } from 'kysely'
import type { TaskRow } from '../model/events.ts'
import { jobId } from '../model/job-key.ts'
import type { TaskMutationQuery, TaskQuery } from '../model/task-query.ts'
import { compile } from './dialect.ts'
import { FIND_LIMIT, type Find } from './find.ts'
import { jobIdOf } from './job-columns.ts'
import { rowColumns } from './read-rows.ts'
import type { Statement } from './statement.ts'
import { tasksTable } from './tasks-table.ts'

/**
 * A task query, as SQL over the table and as a predicate over a row. The writer needs both: SQL finds what is stored,
 * the predicate what the transactions before it in the same batch have changed. They must agree (property-tested).
 *
 * An absent list is no restriction, an empty one finds nothing.
 *
 * The planner is not asked which index to use: nothing here has statistics, and a plan is kept for ever. The filter
 * names its access path itself, the most selective restriction it has.
 */
export interface TaskFilter {
  roles?: string[] | undefined
  environments?: string[] | undefined
  jobNames?: string[] | undefined
  taskIds?: string[] | undefined
  jobIds?: string[] | undefined
  instanceIds?: number[] | undefined
  statuses?: string[] | undefined
  slaveHosts?: string[] | undefined
}

/** Null, absent and empty all mean no restriction. */
export function taskFilter(query: TaskQuery | TaskMutationQuery): TaskFilter {
  const filter: TaskFilter = {}
  if (query.role) filter.roles = [query.role]
  if (query.environment) filter.environments = [query.environment]
  if (query.jobName) filter.jobNames = [query.jobName]
  if (query.taskIds?.length) filter.taskIds = query.taskIds
  if (query.jobKeys?.length) filter.jobIds = query.jobKeys.map(jobId)
  if (query.instanceIds?.length) filter.instanceIds = query.instanceIds
  if (query.statuses?.length) filter.statuses = query.statuses
  if (query.slaveHosts?.length) filter.slaveHosts = query.slaveHosts
  return filter
}

/** Whether a row is what the filter asks for. */
export function taskMatches(filter: TaskFilter, row: TaskRow): boolean {
  return (
    allows(filter.roles, row.role) &&
    allows(filter.environments, row.environment) &&
    allows(filter.jobNames, row.jobName) &&
    allows(filter.taskIds, row.taskId) &&
    allows(filter.jobIds, jobIdOf(row)) &&
    allows(filter.instanceIds, row.instanceId) &&
    allows(filter.statuses, row.status) &&
    allows(filter.slaveHosts, row.slaveHost)
  )
}

function allows<T>(values: readonly T[] | undefined, value: T | undefined): boolean {
  return values === undefined || (value !== undefined && values.includes(value))
}

type Condition = RawBuilder<boolean>

/** All restrictions, as a condition on a row of table `task`. */
export function taskCondition(filter: TaskFilter): Condition {
  const conditions: Condition[] = []
  const restrict = (column: string, values: unknown[] | undefined, type = 'text') => {
    if (values !== undefined) conditions.push(sql`${sql.ref(column)} = any(${values}::${sql.raw(type)}[])`)
  }
  restrict('role', filter.roles)
  restrict('environment', filter.environments)
  restrict('job_name', filter.jobNames)
  restrict('task_id', filter.taskIds)
  restrict('job_id', filter.jobIds)
  restrict('instance_id', filter.instanceIds, 'int4')
  restrict('status', filter.statuses)
  restrict('slave_host', filter.slaveHosts)
  return conditions.length === 0 ? sql`true` : sql`${sql.join(conditions, sql` and `)}`
}

/** The index to go by: a column, SQL of an array of its values, and the restrictions that remain. */
export interface AccessPath {
  column: string
  values: RawBuilder<unknown>
  rest: TaskFilter
}

/**
 * The most selective restriction of the filter. Every index named here has the task id behind the column, so the tasks
 * of one value come out in the order of their ids.
 */
export function accessPath(filter: TaskFilter): AccessPath | undefined {
  const { taskIds, slaveHosts, jobIds, statuses, ...place } = filter
  if (taskIds !== undefined) {
    return { column: 'task_id', values: texts(taskIds), rest: { ...filter, taskIds: undefined } }
  }
  if (slaveHosts !== undefined) {
    return { column: 'slave_host', values: texts(slaveHosts), rest: { ...filter, slaveHosts: undefined } }
  }
  if (jobIds !== undefined) return { column: 'job_id', values: texts(jobIds), rest: { ...filter, jobIds: undefined } }
  if (place.roles !== undefined) {
    const rest = { statuses, instanceIds: place.instanceIds }
    return { column: 'job_id', values: sql`array(${jobsOf(place)})`, rest }
  }
  if (statuses !== undefined) {
    return { column: 'status', values: texts(statuses), rest: { ...filter, statuses: undefined } }
  }
  return undefined
}

function texts(values: string[]): RawBuilder<unknown> {
  return sql`${[...new Set(values)]}::text[]`
}

function jobsOf({ roles, environments, jobNames }: TaskFilter): RawBuilder<unknown> {
  const conditions = [sql`role = any(${roles}::text[])`]
  if (environments !== undefined) conditions.push(sql`environment = any(${environments}::text[])`)
  if (jobNames !== undefined) conditions.push(sql`name = any(${jobNames}::text[])`)
  return sql`select job_id from job where ${sql.join(conditions, sql` and `)}`
}

/** The tasks that a mutation finds. */
export function findTasks(filter: TaskFilter): Find<TaskRow> {
  return {
    table: tasksTable,
    // Of more than may be found there is a limit only in SQL.
    keys: filter.taskIds !== undefined && filter.taskIds.length < FIND_LIMIT ? filter.taskIds : undefined,
    // Only where there are no keys is it asked for.
    get name() {
      return JSON.stringify(filter)
    },
    statement: () => selectMatching(filter, FIND_LIMIT),
    matches: (row) => taskMatches(filter, row),
  }
}

/** Reads the rows that a mutation finds, at most `limit`; read the answer with `rowsOf`. */
export function selectMatching(filter: TaskFilter, limit: number): Statement {
  const path = accessPath(filter)
  const source =
    path === undefined
      ? sql`task`
      : // Materialized: the path is taken as it stands, the other restrictions filter what it finds.
        sql`(with found as materialized (select * from task where ${sql.ref(path.column)} = any(${path.values}))
            select * from found) as task`
  const condition = taskCondition(path?.rest ?? filter)
  return compile(
    sql`select ${sql.raw(rowColumns(tasksTable))} from
        (select * from ${source} where ${condition} limit ${limit}) as matching`,
  )
}
