import * as z from 'zod'
import { identifier } from './scalars.ts'

/** Names a job: `role/environment/name`. */
export const jobKey = z.strictObject({ role: identifier, environment: identifier, name: identifier })

export type JobKey = z.infer<typeof jobKey>

/** The text form `role/environment/name`; identifiers hold no slash, so it is unambiguous. It is also the job's id in SQL. */
export function jobId(key: JobKey): string {
  return `${key.role}/${key.environment}/${key.name}`
}

/** The text form of a job key, as it appears in queries, preconditions and paths. */
export const jobKeyText = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,255}\/[A-Za-z0-9._-]{1,255}\/[A-Za-z0-9._-]{1,255}$/, 'must be role/environment/name')

/** Parses the text form; the text must have passed {@link jobKeyText}. */
export function parseJobKey(id: string): JobKey {
  const [role, environment, name] = id.split('/') as [string, string, string]
  return { role, environment, name }
}
