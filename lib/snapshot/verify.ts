import { BorealError, isBorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { openStore } from '../replica/image-source.ts'
import { PgliteEngine } from '../store/engine.ts'
import { contentsOf, difference } from './describe.ts'
import {
  encodeDocument,
  type Manifest,
  SNAPSHOT_FORMAT,
  sha256Of,
  type Verification,
  verificationSchema,
} from './documents.ts'
import { MANIFEST, snapshotKey, VERIFICATION } from './names.ts'
import { placedImage } from './placed-image.ts'
import type { SnapshotContext } from './take.ts'

/** What a serving node holds at a place of the log. */
export interface Peer {
  lsn: number
  digest: string
}

/**
 * Restores a snapshot in a fresh store, from the object store, and compares digest and row counts with those of its
 * source, and of a peer. If they are the same, `verified.json` says so: from then on stores start from it.
 *
 * The store is that of the snapshot's schema: it is not migrated. One of a newer schema than this build's it does not know.
 *
 * @throws BorealError `snapshot_corrupt` with what differs; the snapshot stays unverified
 */
export async function verifySnapshot(context: SnapshotContext, manifest: Manifest, peer?: Peer): Promise<void> {
  const { objects, base, boot = PgliteEngine.bootImage } = context
  const { snapshotId, lsn, digest, rows } = manifest
  if (peer !== undefined && peer.lsn === lsn && peer.digest !== digest) {
    throw refusal(
      snapshotId,
      `the node that serves has digest ${peer.digest} at LSN ${lsn}, a replay of the log ${digest}`,
    )
  }
  const image = placedImage(objects, manifest, base)
  const store = await openStore(await boot(image), image)
  try {
    const differs = difference({ digest, rows }, await contentsOf(store, manifest.schemaVersion))
    if (differs !== undefined) throw refusal(snapshotId, `restored, ${differs}`)
  } finally {
    await store.engine.kill()
  }
  await noteVerified(context, manifest, peer?.lsn === lsn ? 'peer' : 'replay')
}

/** Writes `verified.json`: from then on stores start from the snapshot. */
export async function noteVerified(
  { objects, log }: { objects: ObjectStore; log: { now(): number; writer: string } },
  { storeId, snapshotId, lsn, digest, rows }: Manifest,
  by: Verification['by'],
): Promise<void> {
  const { bytes } = encodeDocument(verificationSchema, {
    format: SNAPSHOT_FORMAT,
    snapshotId,
    storeId,
    lsn,
    manifest: sha256Of(await objects.get(snapshotKey(storeId, snapshotId, MANIFEST))),
    digest,
    rows,
    by,
    verifiedAt: Math.round(log.now()),
    verifiedBy: log.writer,
  })
  try {
    await objects.put(snapshotKey(storeId, snapshotId, VERIFICATION), bytes, { ifAbsent: true })
  } catch (error) {
    // Somebody else has verified it as well; what he wrote is read like ours.
    if (!isBorealError(error, 'precondition_failed')) throw error
  }
}

function refusal(snapshotId: string, why: string): BorealError {
  const advice = 'No store will start from it. See "A snapshot does not verify" in docs/operations.md.'
  return new BorealError('snapshot_corrupt', `snapshot ${snapshotId} cannot be verified: ${why}. ${advice}`)
}
