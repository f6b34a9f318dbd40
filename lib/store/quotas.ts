import { sql } from 'kysely'
import { byKey, compile } from './dialect.ts'
import { jsonRaw, jsonString, jsonText } from './json-text.ts'
import type { PageOptions } from './read.ts'
import type { Statement } from './statement.ts'

/** Reads of quotas. */
const quotaRecord = jsonText({ role: jsonString('role'), quota: jsonRaw('quota'), version: jsonRaw('version') })

export const quotaOfRole = byKey((role) => sql`select role, ${quotaRecord} from quota where role = ${role}`)

export function quotaPage({ after, limit }: PageOptions): Statement {
  return compile(
    sql`select role, ${quotaRecord} from quota where role > ${after ?? ''} order by role limit ${limit + 1}`,
  )
}
