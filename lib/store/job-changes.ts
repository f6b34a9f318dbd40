import { getOrInsert } from '../model/get-or-insert.ts'
import { type JobKey, parseJobKey } from '../model/job-key.ts'
import { ACTIVE_STATUSES, SCHEDULE_STATUSES } from '../model/schedule-status.ts'
import { arrayParam, columnParam, type Param, type Statement } from './statement.ts'
import type { Table } from './table.ts'

/**
 * Table `job` follows from the rows that belong to jobs: counters by status and the LSN of the last change. It is kept
 * by differences, so a summary costs the number of jobs and a write the number of rows it touches.
 */
export interface JobChange {
  /** LSN of the last change of anything in the job. */
  version: number
  /** LSN of the last change of a task of the job; 0 when no task changed. */
  taskVersion: number
  /** Differences by counter (a column of table `job`). */
  counters: Map<string, number>
}

/** Columns of table `job` that count what belongs to it. */
export const JOB_COUNTERS = [
  ...SCHEDULE_STATUSES.map((status) => status.toLowerCase()),
  ...['cron_jobs', 'active_updates', 'terminal_updates', 'new_updates'],
]

/**
 * Those that count tasks which take part in the job, or are about to: a scheduler may save a task as INIT and make it
 * PENDING in the next step.
 */
export const ACTIVE_COUNTERS = ['INIT' as const, ...ACTIVE_STATUSES].map((status) => status.toLowerCase())

/** Notes that a row of a job changed at an LSN, and gives the job's change to count in. */
export function jobChangesOf(
  jobs: Map<string, JobChange>,
  table: Table,
  row: object,
  lsn: number,
): JobChange | undefined {
  const jobId = table.job?.(row).jobId
  if (jobId === undefined) return undefined
  const change = getOrInsert(jobs, jobId, (): JobChange => ({ version: 0, taskVersion: 0, counters: new Map() }))
  change.version = Math.max(change.version, lsn)
  if (table.entity === 'task') change.taskVersion = Math.max(change.taskVersion, lsn)
  return change
}

/** Counts a row of a job in (+1) or out (−1). */
export function countRow(jobs: Map<string, JobChange>, table: Table, row: object, difference: 1 | -1): void {
  const place = table.job?.(row)
  if (place === undefined) return
  const counters = jobs.get(place.jobId)!.counters
  counters.set(place.counter, (counters.get(place.counter) ?? 0) + difference)
}

/** Adds later changes of jobs to earlier ones. */
export function mergeJobs(into: Map<string, JobChange>, from: Map<string, JobChange>): void {
  for (const [jobId, { version, taskVersion, counters }] of from) {
    const known = into.get(jobId)
    if (known === undefined) {
      into.set(jobId, { version, taskVersion, counters: new Map(counters) })
      continue
    }
    known.version = Math.max(known.version, version)
    known.taskVersion = Math.max(known.taskVersion, taskVersion)
    for (const [counter, difference] of counters) {
      const sum = (known.counters.get(counter) ?? 0) + difference
      // What came and went is in no counter, as in a change set: such a job may have become empty.
      if (sum === 0) known.counters.delete(counter)
      else known.counters.set(counter, sum)
    }
  }
}

/**
 * Adds the differences to table `job`; must run before rows that refer to new jobs are written. Only the counters that
 * changed are in the statement: taking in an array costs more than the row, and there are over twenty.
 */
export function upsertJobs(jobs: Map<string, JobChange>): Statement {
  const changes = [...jobs.values()]
  const counters = JOB_COUNTERS.filter((name) => changes.some((change) => change.counters.get(name)))
  return {
    sql: upsertSql(counters),
    params: [
      ...jobKeys(jobs),
      columnParam('int8', changes, (change) => change.taskVersion),
      columnParam('int8', changes, (change) => change.version),
      ...counters.map((name) => columnParam('int4', changes, (change) => change.counters.get(name) ?? 0)),
    ],
  }
}

/** Adds those that are not there, with nothing in them, for rows that refer to them before they are counted. */
export function addJobs(jobs: Map<string, JobChange>): Statement {
  return { sql: ADD_JOBS, params: jobKeys(jobs) }
}

const ADD_JOBS = `
  insert into job (job_id, role, environment, name, version)
  select *, 0 from unnest($1::text[], $2::text[], $3::text[], $4::text[])
  on conflict (job_id) do nothing`

function jobKeys(jobs: Map<string, JobChange>): Param[] {
  const keys = [...jobs.keys()].map(parseJobKey)
  const column = (field: keyof JobKey) => columnParam('text', keys, (key) => key[field])
  return [arrayParam('text', [...jobs.keys()]), column('role'), column('environment'), column('name')]
}

function upsertSql(counters: string[]): string {
  const columns = ['job_id', 'role', 'environment', 'name', 'task_version', 'version', ...counters].join(', ')
  return `
    insert into job (${columns}) select * from unnest($1::text[], $2::text[], $3::text[], $4::text[],
      $5::int8[], $6::int8[]${counters.map((_, index) => `, $${index + 7}::int4[]`).join('')})
    on conflict (job_id) do update set
      ${counters.map((name) => `${name} = job.${name} + excluded.${name}, `).join('')}
      task_version = greatest(job.task_version, excluded.task_version),
      version = greatest(job.version, excluded.version)`
}

const TASK_COUNTERS = new Set(SCHEDULE_STATUSES.map((status) => status.toLowerCase()))

const FORGET_TASKS = `
  update job set task_version = 0 where job_id = any($1::text[]) and ${[...TASK_COUNTERS].join(' + ')} = 0`

/**
 * Forgets when a task last changed in those jobs that have none left; `undefined` when none can have lost its last one.
 * Otherwise a job that went and came back would remember it, or not, depending on where the log is cut.
 */
export function forgetTasks(jobs: Map<string, JobChange>): Statement | undefined {
  const left = [...jobs].filter(([, { taskVersion, counters }]) => {
    if (taskVersion === 0) return false
    const differences = [...counters].filter(([name]) => TASK_COUNTERS.has(name)).map(([, difference]) => difference)
    // Tasks that came and went within the change set are in no counter at all.
    return differences.length === 0 || differences.reduce((sum, each) => sum + each, 0) < 0
  })
  if (left.length === 0) return undefined
  return { sql: FORGET_TASKS, params: [columnParam('text', left, ([jobId]) => jobId)] }
}

const REMOVE_EMPTY_JOBS = `delete from job where job_id = any($1::text[]) and ${JOB_COUNTERS.join(' + ')} = 0`

/** Removes those of the changed jobs to which nothing belongs any more; `undefined` when none can have become empty. */
export function removeEmptyJobs(jobs: Map<string, JobChange>): Statement | undefined {
  const shrunk = [...jobs].filter(([, change]) => {
    let total = 0
    for (const difference of change.counters.values()) total += difference
    // A job that came and went within the change set has no counter at all, and a row all the same.
    return total < 0 || change.counters.size === 0
  })
  if (shrunk.length === 0) return undefined
  return { sql: REMOVE_EMPTY_JOBS, params: [columnParam('text', shrunk, ([jobId]) => jobId)] }
}
