import * as z from 'zod'
import { BorealError, isBorealError } from '../model/errors.ts'
import { lsn } from '../model/scalars.ts'
import { encodeDocument, parseDocument, sha256 } from '../objects/checked-document.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { keyReused } from '../writer/evaluate.ts'
import type { SubmittedKey } from '../writer/submission.ts'

/**
 * What somebody asked for under an idempotency key, and what came of it, as an object of the store: so a retry, on any
 * node and after any crash, means the same place of the log, and gets the first answer when there is one. Whether it
 * happened is decided by the log alone, which has the key too; this remembers for longer.
 */
const operationSchema = z.strictObject({
  format: z.literal(1),
  storeId: z.string(),
  kind: z.string(),
  keyHash: z.string(),
  /** Hash of the request: the same key with another one is an error. */
  request: sha256,
  /** The place that a target meant when it was accepted. */
  point: z.strictObject({ lsn, index: z.int().nonnegative().optional() }),
  acceptedAt: z.int().nonnegative(),
  outcome: z.looseObject({ lsn }).optional(),
  checksum: sha256,
})

export type KeptOperation = z.infer<typeof operationSchema>

export interface OnceContext {
  objects: ObjectStore
  storeId: string
  now(): number
}

/**
 * Does `work` once for a key: with the point that was fixed when it was first accepted, or not at all when its outcome is
 * known. `work` itself must be safe to repeat under the key.
 *
 * @throws BorealError `idempotency_key_reused`; what `fix` and `work` throw
 */
export async function once<Outcome extends { lsn: number }>(
  { objects, storeId, now }: OnceContext,
  { kind, key }: { kind: string; key: SubmittedKey },
  fix: () => Promise<{ lsn: number; index?: number | undefined }>,
  work: (point: KeptOperation['point']) => Promise<Outcome>,
): Promise<Outcome> {
  const name = `${storeId}/operations/${key.hash}.json`
  let kept = await find(objects, name)
  if (kept === undefined) {
    const content = { format: 1 as const, storeId, kind, keyHash: key.hash, request: key.request }
    const { bytes } = encodeDocument(operationSchema, { ...content, point: await fix(), acceptedAt: now() })
    await objects.put(name, bytes, { ifAbsent: true }).catch((error: unknown) => {
      // Somebody else was first: what he has fixed holds.
      if (!isBorealError(error, 'precondition_failed')) throw error
    })
    kept = (await find(objects, name))!
  }
  if (kept.request !== key.request || kept.kind !== kind) throw keyReused()
  if (kept.outcome !== undefined) return kept.outcome as unknown as Outcome
  const outcome = await work(kept.point)
  await objects.put(name, encodeDocument(operationSchema, { ...kept, outcome }).bytes)
  return outcome
}

async function find(objects: ObjectStore, name: string): Promise<KeptOperation | undefined> {
  try {
    return parseDocument(operationSchema, await objects.get(name), refusal(name))
  } catch (error) {
    if (isBorealError(error, 'not_found')) return undefined
    throw error
  }
}

function refusal(name: string) {
  return (why: string, cause?: unknown) =>
    new BorealError('snapshot_corrupt', `the descriptor ${name} ${why}; send the request with a new key`, { cause })
}
