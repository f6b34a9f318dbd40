import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import { lsn } from '../model/scalars.ts'
import { type CheckedDocument, notes, parseDocument, sha256 } from '../objects/checked-document.ts'
import { DELETION, MANIFEST, VERIFICATION } from './names.ts'

export { encodeDocument, sha256Of } from '../objects/checked-document.ts'

/** The documents beside an image. */

const id = z.string().min(1)
const timeMs = z.int().nonnegative()
const rows = z.record(z.string(), z.int().nonnegative())

/** How a part is stored. */
export const CODECS = ['none', 'deflate'] as const

export type PartCodec = (typeof CODECS)[number]

export const imagePart = z.strictObject({
  bytes: z.int().positive().describe('of the image'),
  storedBytes: z.int().positive(),
  sha256: sha256.describe('over the stored bytes'),
})

export type ImagePart = z.infer<typeof imagePart>

/** What is stored in parts. */
export const storedParts = z.strictObject({
  codec: z.enum(CODECS),
  bytes: z.int().positive(),
  storedBytes: z.int().positive(),
  parts: z.array(imagePart).min(1),
})

export type StoredParts = z.infer<typeof storedParts>

/** Version of the documents' form, and of the image's: a tar of the data folder. */
export const SNAPSHOT_FORMAT = 1

/** What every document of a snapshot begins with. */
const head = { format: z.literal(SNAPSHOT_FORMAT), snapshotId: id, storeId: id }
const originSchema = z
  .strictObject({
    storeId: id,
    snapshotId: id,
    hash: sha256.describe('chain hash that the image has; a store that boots from it takes that of the manifest'),
    forgets: timeMs.optional().describe('idempotency keys up to this time are forgotten by whoever boots from it'),
  })
  .describe('the snapshot of another store of which the image was copied; the manifest describes what a store has then')

export const manifestSchema = z.strictObject({
  ...head,
  lsn: lsn.positive().describe('the last entry that it has'),
  hash: sha256.describe('chain hash of that entry'),
  entryTime: timeMs,
  schemaVersion: z.int().positive(),
  schemaChecksum: sha256,
  logFormat: z.int().positive(),
  pglite: id,
  postgres: id,
  takenAt: timeMs.describe('server time'),
  takenBy: id.describe('who took it: the ULID of a process, as the log names writers'),
  image: storedParts,
  rows,
  digest: sha256.describe('state digest'),
  tables: z.record(z.string(), sha256).optional().describe('hash by table, of which the digest is made'),
  horizon: z.strictObject({ timeMs, beforeLsn: lsn }).optional().describe('of idempotency keys'),
  origin: originSchema.optional(),
  notes,
  checksum: sha256,
})

export type Manifest = z.infer<typeof manifestSchema>

export const verificationSchema = z.strictObject({
  ...head,
  lsn: lsn.positive(),
  manifest: sha256.describe('over the bytes of the manifest'),
  digest: sha256,
  rows,
  by: z
    .enum(['replay', 'peer', 'copy'])
    .describe(
      'whose digest it was compared with: a replay of its own, or also a serving node at the same LSN; ' +
        'copy: it is that of a verified snapshot, part by part',
    ),
  verifiedAt: timeMs,
  verifiedBy: id,
  notes,
  checksum: sha256,
})

export type Verification = z.infer<typeof verificationSchema>

export const deletionSchema = z.strictObject({
  ...head,
  markedAt: timeMs.describe('server time'),
  checksum: sha256,
})

export type Deletion = z.infer<typeof deletionSchema>

const NAMES = new Map<unknown, string>([
  [manifestSchema, MANIFEST],
  [verificationSchema, VERIFICATION],
  [deletionSchema, DELETION],
])

/**
 * Reads a document of a snapshot.
 *
 * @throws BorealError `snapshot_corrupt` when it is damaged, of another form, or of another store or snapshot
 */
export function decodeDocument<D extends CheckedDocument & { storeId: string; snapshotId: string }>(
  schema: z.ZodType<D>,
  bytes: Uint8Array,
  place: { storeId: string; snapshotId: string },
): D {
  const refuse = (why: string, cause?: unknown) =>
    new BorealError('snapshot_corrupt', `${NAMES.get(schema)} of snapshot ${place.snapshotId} ${why}`, { cause })
  return parseDocument(schema, bytes, refuse, place)
}
