import * as z from 'zod'
import { jobKey } from './job-key.ts'
import { int64, name, text } from './scalars.ts'

/** What a lock is on. Aurora left room for other kinds than jobs. */
export const lockKey = z.strictObject({ job: jobKey })

export type LockKey = z.infer<typeof lockKey>

/** Somebody's exclusive right to change a job. The token proves it. `version` is ignored on input. */
export const lock = z.strictObject({
  key: lockKey,
  token: name,
  user: text,
  timestampMs: int64,
  message: text.optional(),
  version: z.int().optional(),
})

export type Lock = z.infer<typeof lock>
