import { changeSql, SELECT_TASK, type Value } from './task-schema.ts'

/**
 * What is asked of PostgreSQL, each as one prepared statement that is a transaction of its own: one trip to the server
 * for a commit, which is the fastest that it can be used.
 */
const parameters = Array.from({ length: 18 }, (_, index) => `$${index + 1}`).join(', ')

export const POSTGRES_STATEMENTS = {
  saveOne: `with config as (insert into task_config values ($10, $19) on conflict do nothing)
    insert into task values (${parameters})`,
  saveMany: `with input as (select * from json_populate_recordset(null::task, $1)),
    config as (insert into task_config select * from json_populate_recordset(null::task_config, $2) on conflict do nothing)
    insert into task select * from input`,
  change: changeSql((number) => `$${number}`),
  point: `${SELECT_TASK} where t.task_id = $1`,
  page: `${SELECT_TASK} where t.job_id = $1 order by t.task_id limit 100`,
  count: 'select count(*)::int as count from task',
}

export type StatementName = keyof typeof POSTGRES_STATEMENTS

export interface PostgresAnswer {
  rowCount: number
  rows: Record<string, Value>[]
}

/** A way to run those statements: over HTTP, or directly. */
export interface PostgresConnection {
  run(name: StatementName, values: Value[]): Promise<PostgresAnswer>
  close(): Promise<void>
}
