import type { ObjectStore } from '../objects/object-store.ts'
import { openStore } from '../replica/image-source.ts'
import { forgottenKeys } from '../store/adopt.ts'
import type { BaseImage } from '../store/base-image.ts'
import { digestOfTables } from '../store/digest.ts'
import { type Engine, PgliteEngine } from '../store/engine.ts'
import type { StoreImage } from '../store/image-parts.ts'
import { contentsOf } from './describe.ts'
import { encodeDocument, type Manifest, manifestSchema } from './documents.ts'
import { imagePlace } from './image-object.ts'
import { MANIFEST, partName, snapshotId, snapshotKey } from './names.ts'
import { placedImage } from './placed-image.ts'
import { readPart } from './stored-parts.ts'
import { noteVerified } from './verify.ts'

/** Parts that are copied and read back beside each other: some 16 MB each. */
const AT_ONCE = 4

export interface CopyContext {
  /** Where the copy goes. */
  objects: ObjectStore
  base: BaseImage
  newId(): string
  /** Who copies, and when. */
  log: { now(): number; writer: string }
  boot?: ((image: StoreImage) => Promise<Engine>) | undefined
}

/** Whose snapshot the copy is to be. */
export interface CopyTarget {
  storeId: string
  /** Chain hash that this store has at the snapshot's LSN: that of its genesis item. */
  hash: string
  /** Keys up to this time (ms) are forgotten; absent: all are kept. */
  forgets?: number | undefined
}

/**
 * Makes a verified snapshot of one store one of another store, which goes on behind it. The parts are copied as they are,
 * on the server's side where both are in one object store, and read back; the manifest describes what a store holds that
 * has booted from them and was adopted.
 *
 * @throws BorealError `snapshot_corrupt` when a part is not what the manifest says
 */
export async function copySnapshot(
  context: CopyContext,
  source: { objects: ObjectStore; manifest: Manifest },
  target: CopyTarget,
): Promise<Manifest> {
  const { objects } = context
  const from = source.manifest
  const { storeId, hash } = target
  // A copy of a copy has the image of the first one, with all that it had to forget.
  const forgets = target.forgets ?? from.origin?.forgets
  const copy: Manifest = {
    ...from,
    ...{ storeId, hash },
    snapshotId: snapshotId(from.lsn, context.newId()),
    takenAt: Math.round(context.log.now()),
    takenBy: context.log.writer,
    origin: {
      storeId: from.storeId,
      snapshotId: from.snapshotId,
      hash: from.origin?.hash ?? from.hash,
      ...(forgets === undefined ? {} : { forgets }),
    },
  }
  await copyParts(source, { objects, manifest: copy })
  const { checksum: _, ...content } = { ...copy, ...(await adoptedContents(context, from, copy)) }
  const { document, bytes } = encodeDocument(manifestSchema, content)
  await objects.put(snapshotKey(storeId, copy.snapshotId, MANIFEST), bytes, { ifAbsent: true })
  await noteVerified(context, document, 'copy')
  return document
}

interface Place {
  objects: ObjectStore
  manifest: Manifest
}

async function copyParts(from: Place, to: Place): Promise<void> {
  const left = [...from.manifest.image.parts.keys()]
  const work = async () => {
    for (let index = left.shift(); index !== undefined; index = left.shift()) {
      const [source, target] = [from, to].map(({ manifest }) =>
        snapshotKey(manifest.storeId, manifest.snapshotId, partName(index!)),
      )
      if (from.objects === to.objects) await to.objects.copy(source!, target!)
      else await to.objects.put(target!, await from.objects.get(source!), { ifAbsent: true })
      await readPart(imagePlace(to.objects, to.manifest), to.manifest.image, index)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

/** What a store holds that has booted from the copy: it follows from the manifest, unless an older build wrote that. */
async function adoptedContents(context: CopyContext, source: Manifest, copy: Manifest): Promise<Partial<Manifest>> {
  const { forgets } = copy.origin!
  if (forgets === undefined) return {}
  const { tables, horizon, rows } = source
  if (tables !== undefined && horizon !== undefined) {
    const after = forgottenKeys(tables, horizon, forgets)
    return { ...after, rows: { ...rows, 'boreal.idempotency': 0 }, digest: digestOfTables(after.tables) }
  }
  const { boot = PgliteEngine.bootImage } = context
  const image = placedImage(context.objects, copy, context.base)
  const store = await openStore(await boot(image), image)
  try {
    return await contentsOf(store)
  } finally {
    await store.engine.kill()
  }
}
