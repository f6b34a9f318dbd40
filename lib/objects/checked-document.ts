import { createHash } from 'node:crypto'
import * as z from 'zod'

/**
 * Small JSON objects that say what others are. Each ends with a checksum over the rest, and is believed only if its bytes
 * are exactly what we would write: so no bit of it can have changed, and no form means two things.
 */
export interface CheckedDocument {
  checksum: string
}

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/**
 * What a later build adds to a document for its own use, and an earlier one may pass over: after a rollback documents of the
 * later build are still believed. Anything else that a build does not know is a reason not to believe a document.
 */
export const notes = z.record(z.string().regex(/^[a-z][A-Za-z]{0,63}$/), z.unknown()).optional()

/** The bytes of a document, with its checksum. */
export function encodeDocument<D extends CheckedDocument>(
  schema: z.ZodType<D>,
  content: Omit<D, 'checksum'>,
): { document: D; bytes: Buffer } {
  // Parsed, so that the fields are in the order of the schema: equal documents have equal bytes.
  const { checksum: _, ...fields } = schema.parse({ ...content, checksum: '0'.repeat(64) })
  const document = { ...fields, checksum: sha256Of(JSON.stringify(fields)) } as D
  return { document, bytes: Buffer.from(`${JSON.stringify(document, null, 1)}\n`) }
}

/**
 * Reads a document that says by `place`, its ids, whose it is. Throws what `refuse` makes of the reason when it is
 * damaged, of another form, or of another place: right bytes under a wrong key are as bad as wrong ones.
 */
export function parseDocument<D extends CheckedDocument>(
  schema: z.ZodType<D>,
  bytes: Uint8Array,
  refuse: (why: string, cause?: unknown) => Error,
  place: { [field: `${string}Id`]: string } = {},
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
  for (const [field, expected] of Object.entries(place)) {
    const found = result.data[field as keyof D]
    if (found !== expected) throw refuse(`is of another ${field.slice(0, -'Id'.length)}, ${found}`)
  }
  return result.data
}

export function sha256Of(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
