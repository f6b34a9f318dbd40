import { sql } from 'kysely'
import type { LockRow } from '../model/events.ts'
import { byKey, compile } from './dialect.ts'
import type { Find } from './find.ts'
import { jobKeyText, jsonInt64, jsonOfSql, jsonRaw, jsonString, jsonText, optional } from './json-text.ts'
import { locksTable } from './locks-table.ts'
import { bytesBefore, fitsPage, type PageOptions } from './read.ts'
import { rowColumns } from './read-rows.ts'
import { type Statement, statement } from './statement.ts'

/** Reads of locks. */
const lockRecord = jsonText({
  key: jsonOfSql(jsonText({ job: jsonOfSql(jobKeyText) })),
  token: jsonString('token'),
  user: jsonString('user_name'),
  timestampMs: jsonInt64('timestamp_ms'),
  message: optional(jsonString('message')),
  version: jsonRaw('version'),
})

export const lockOfJob = byKey((jobId) => sql`select job_id, ${lockRecord} from lock where job_id = ${jobId}`)

export function lockPage({ after, limit }: PageOptions): Statement {
  const found = sql`select * from lock where job_id > ${after ?? ''} order by job_id limit ${limit + 1}`
  const sized = sql`select l.*, ${bytesBefore(['message'], 'job_id')} from (${found}) l`
  return compile(sql`select job_id, ${lockRecord} from (${sized}) l where ${fitsPage} order by job_id`)
}

/** The lock with a token, if there is one. */
export function findLockByToken(token: string): Find<LockRow> {
  return {
    table: locksTable,
    name: `token ${token}`,
    statement: () => statement(`select ${rowColumns(locksTable)} from lock where token = $1`, token),
    matches: (row) => row.token === token,
  }
}
