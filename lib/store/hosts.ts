import { sql } from 'kysely'
import { byKey, compile } from './dialect.ts'
import { jsonRaw, jsonString, jsonText, optional } from './json-text.ts'
import { bytesBefore, fitsPage, type PageOptions } from './read.ts'
import type { Statement } from './statement.ts'

/** Reads of host attributes. */
const hostRecord = jsonText({
  host: jsonString('host'),
  slaveId: optional(jsonString('slave_id')),
  mode: jsonString('mode'),
  attributes: jsonRaw('attributes'),
  version: jsonRaw('version'),
})

export const hostByName = byKey((host) => sql`select host, ${hostRecord} from host where host = ${host}`)

/** A page of hosts by name; `modes` empty means all. */
export function hostPage(modes: string[], { after, limit }: PageOptions): Statement {
  const inMode = modes.length === 0 ? sql`true` : sql`mode = any(${modes}::text[])`
  const found = sql`select * from host where host > ${after ?? ''} and ${inMode} order by host limit ${limit + 1}`
  const sized = sql`select h.*, ${bytesBefore(['attributes'], 'host')} from (${found}) h`
  return compile(sql`select host, ${hostRecord} from (${sized}) h where ${fitsPage} order by host`)
}
