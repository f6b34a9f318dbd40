import { sql } from 'kysely'
import { byKey, compile } from './dialect.ts'
import { jsonInt64, jsonRaw, jsonString, jsonText, optional } from './json-text.ts'
import { bytesBefore, fitsPage, type PageOptions } from './read.ts'
import type { Statement } from './statement.ts'

/** Reads of host maintenance requests. */
const requestRecord = jsonText({
  host: jsonString('host'),
  defaultSlaPolicy: optional(jsonRaw('default_sla_policy')),
  timeoutSecs: jsonInt64('timeout_secs'),
  createdTimestampMs: jsonInt64('created_timestamp_ms'),
  version: jsonRaw('version'),
})

export const hostMaintenanceOf = byKey(
  (host) => sql`select host, ${requestRecord} from host_maintenance where host = ${host}`,
)

export function hostMaintenancePage({ after, limit }: PageOptions): Statement {
  const found = sql`select * from host_maintenance where host > ${after ?? ''} order by host limit ${limit + 1}`
  const sized = sql`select h.*, ${bytesBefore(['default_sla_policy'], 'host')} from (${found}) h`
  return compile(sql`select host, ${requestRecord} from (${sized}) h where ${fitsPage} order by host`)
}
