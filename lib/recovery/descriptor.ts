import * as z from 'zod'
import { lsn } from '../model/scalars.ts'
import { sha256 } from '../objects/checked-document.ts'

/**
 * What is known of a recovery, as an object under the store: so every node of the store can serve it, and it outlives
 * them all. The state itself is not in it: it is a function of the log, and is restored wherever somebody asks for it.
 */

export const RECOVERY_FORMAT = 1

const timeMs = z.int().nonnegative()

/** Where the recovery stands. */
const place = z.strictObject({
  lsn: lsn.describe('the last entry of the log that it has, wholly or in part'),
  index: z.int().nonnegative().optional().describe('of that entry, the last transaction that it has; absent: all'),
})

/** What was asked for; times and backups are fixed to a place when a recovery is staged. */
const target = z.union([
  place,
  z.strictObject({ time: timeMs }),
  z.strictObject({ agoMs: z.int().nonnegative() }),
  z.strictObject({ backupId: z.string() }),
])

export const recoverySchema = z.strictObject({
  format: z.literal(RECOVERY_FORMAT),
  recoveryId: z.string(),
  storeId: z.string(),
  /** Hash of the request that staged it: the same key with another request is an error. */
  request: sha256,
  target,
  point: place,
  entryTime: timeMs.describe('time of the entry at its LSN'),
  state: z.enum(['staged', 'committed']),
  stagedAt: timeMs.describe('server time'),
  stagedBy: z.string().describe('principal'),
  reason: z.string().optional(),
  /** Changes on top of the point, in their order. */
  edits: z.array(z.unknown()),
  /** Where the log has it, once it is committed. */
  committed: z.strictObject({ lsn, at: timeMs, by: z.string() }).optional(),
  checksum: sha256,
})

export type Recovery = z.infer<typeof recoverySchema>
