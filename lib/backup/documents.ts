import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import { lsn } from '../model/scalars.ts'
import { type CheckedDocument, notes, parseDocument, sha256 } from '../objects/checked-document.ts'
import { storedParts } from '../snapshot/documents.ts'

/** The documents of a backup, beside those of the snapshot that it is a copy of. */

export const BACKUP_FORMAT = 1

const id = z.string().min(1)
const timeMs = z.int().nonnegative()
const rows = z.record(z.string(), z.int().nonnegative())
const head = { format: z.literal(BACKUP_FORMAT), backupId: id, storeId: id }

export const backupSchema = z.strictObject({
  ...head,
  lsn: lsn.positive().describe('the last entry that it has'),
  hash: sha256.describe('chain hash of that entry'),
  entryTime: timeMs,
  schemaVersion: z.int().positive(),
  schemaChecksum: sha256,
  logFormat: z.int().positive(),
  snapshotId: id.describe('what the image is a copy of'),
  manifest: sha256.describe("over the snapshot's manifest, which describes the image"),
  verification: sha256.describe("over the snapshot's verification"),
  dump: storedParts.describe('the same state as SQL'),
  takenAt: timeMs.describe('server time'),
  takenBy: id,
  rows,
  digest: sha256.describe('state digest'),
  notes,
  checksum: sha256,
})

export type BackupDocument = z.infer<typeof backupSchema>

const finding = z.strictObject({
  result: z
    .enum(['same', 'failed', 'unusable'])
    .describe('same: restored, it has the digest and the rows; unusable: this build cannot restore it, damaged or not'),
  why: z.string().optional(),
  ms: z.int().nonnegative().describe('that it took to restore and to compare'),
})

export type Finding = z.infer<typeof finding>

export const drillSchema = z.strictObject({
  ...head,
  lsn: lsn.positive(),
  backup: sha256.describe('over the bytes of the document of the backup'),
  passed: z.boolean(),
  image: finding,
  dump: finding,
  drilledAt: timeMs,
  drilledBy: id,
  notes,
  checksum: sha256,
})

export type Drill = z.infer<typeof drillSchema>

export const backupDeletionSchema = z.strictObject({
  ...head,
  markedAt: timeMs.describe('server time'),
  checksum: sha256,
})

export type BackupDeletion = z.infer<typeof backupDeletionSchema>

/**
 * Reads a document of a backup.
 *
 * @throws BorealError `backup_corrupt` when it is damaged, of another form, or of another store or backup
 */
export function decodeBackupDocument<D extends CheckedDocument & { storeId: string; backupId: string }>(
  schema: z.ZodType<D>,
  name: string,
  bytes: Uint8Array,
  place: { storeId: string; backupId: string },
): D {
  const refuse = (why: string, cause?: unknown) =>
    new BorealError('backup_corrupt', `${name} of backup ${place.backupId} ${why}`, { cause })
  return parseDocument(schema, bytes, refuse, place)
}
