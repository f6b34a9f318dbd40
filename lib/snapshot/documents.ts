import { createHash } from 'node:crypto'
import * as z from 'zod'
import { BorealError } from '../model/errors.ts'
import { lsn } from '../model/scalars.ts'
import { DELETION, MANIFEST, VERIFICATION } from './names.ts'

/**
 * The documents beside an image. Each ends with a checksum over the rest, and is believed only if its bytes are exactly
 * what we would write: so no bit of it can have changed.
 */

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
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

/** Version of the documents' form, and of the image's: a tar of the data folder. */
export const SNAPSHOT_FORMAT = 1

const originSchema = z
  .strictObject({
    storeId: id,
    snapshotId: id,
    hash: sha256.describe('chain hash that the image has; a store that boots from it takes that of the manifest'),
    forgets: timeMs.optional().describe('idempotency keys up to this time are forgotten by whoever boots from it'),
  })
  .describe('the snapshot of another store of which the image was copied; the manifest describes what a store has then')

export const manifestSchema = z.strictObject({
  format: z.literal(SNAPSHOT_FORMAT),
  snapshotId: id,
  storeId: id,
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
  image: z.strictObject({
    codec: z.enum(CODECS),
    bytes: z.int().positive(),
    storedBytes: z.int().positive(),
    parts: z.array(imagePart).min(1),
  }),
  rows,
  digest: sha256.describe('state digest'),
  tables: z.record(z.string(), sha256).optional().describe('hash by table, of which the digest is made'),
  horizon: z.strictObject({ timeMs, beforeLsn: lsn }).optional().describe('of idempotency keys'),
  origin: originSchema.optional(),
  checksum: sha256,
})

export type Manifest = z.infer<typeof manifestSchema>

export const verificationSchema = z.strictObject({
  format: z.literal(SNAPSHOT_FORMAT),
  snapshotId: id,
  storeId: id,
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
  checksum: sha256,
})

export type Verification = z.infer<typeof verificationSchema>

export const deletionSchema = z.strictObject({
  format: z.literal(SNAPSHOT_FORMAT),
  snapshotId: id,
  storeId: id,
  markedAt: timeMs.describe('server time'),
  checksum: sha256,
})

export type Deletion = z.infer<typeof deletionSchema>

interface Document {
  snapshotId: string
  storeId: string
  checksum: string
}

/** The bytes of a document, with its checksum. */
export function encodeDocument<D extends Document>(
  schema: z.ZodType<D>,
  content: Omit<D, 'checksum'>,
): { document: D; bytes: Buffer } {
  // Parsed, so that the fields are in the order of the schema: equal documents have equal bytes.
  const { checksum: _, ...fields } = schema.parse({ ...content, checksum: '0'.repeat(64) })
  const document = { ...fields, checksum: sha256Of(JSON.stringify(fields)) } as D
  return { document, bytes: Buffer.from(`${JSON.stringify(document, null, 1)}\n`) }
}

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
export function decodeDocument<D extends Document>(
  schema: z.ZodType<D>,
  bytes: Uint8Array,
  expected: { storeId: string; snapshotId: string },
): D {
  const refuse = (why: string, cause?: unknown) =>
    new BorealError('snapshot_corrupt', `${NAMES.get(schema)} of snapshot ${expected.snapshotId} ${why}`, { cause })
  const document = parsed(schema, bytes, refuse)
  if (document.storeId !== expected.storeId) throw refuse(`is of another store, ${document.storeId}`)
  if (document.snapshotId !== expected.snapshotId) throw refuse(`is of another snapshot, ${document.snapshotId}`)
  return document
}

function parsed<D extends Document>(
  schema: z.ZodType<D>,
  bytes: Uint8Array,
  refuse: (why: string, cause?: unknown) => Error,
): D {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    throw refuse('is damaged: it is no JSON', error)
  }
  const result = schema.safeParse(value)
  if (!result.success) {
    const [issue] = result.error.issues
    throw refuse(`is damaged, or of a form that this build does not know: ${issue?.path.join('.')} ${issue?.message}`)
  }
  const { checksum, ...content } = result.data
  const written = encodeDocument(schema, content as Omit<D, 'checksum'>)
  if (written.document.checksum !== checksum || !written.bytes.equals(bytes)) {
    throw refuse('is damaged: it does not match its checksum')
  }
  return result.data
}

export function sha256Of(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
