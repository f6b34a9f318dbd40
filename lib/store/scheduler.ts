import { sql } from 'kysely'
import { compile } from './dialect.ts'
import { jsonRaw, jsonString, jsonText, optional } from './json-text.ts'
import type { Statement } from './statement.ts'

/** What the scheduler keeps about itself. It is always there, empty at first. */
const schedulerRecord = jsonText({ version: jsonRaw('version'), frameworkId: optional(jsonString('framework_id')) })

export const schedulerState: Statement = compile(
  sql`select '', ${schedulerRecord} from (
        select s.framework_id, coalesce(s.version, 0) as version from (select '' as one) o left join scheduler s using (one)
      ) s`,
)
