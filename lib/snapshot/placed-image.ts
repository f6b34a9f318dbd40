import type { ObjectReads } from '../objects/object-store.ts'
import type { PlacedImage } from '../replica/image-source.ts'
import type { StoreImage } from '../store/image-parts.ts'
import type { Manifest } from './documents.ts'
import { imageParts } from './image-object.ts'

/** A snapshot as an image to boot from, and what makes of it the store that its manifest describes. */
export function placedImage(
  objects: ObjectReads,
  manifest: Manifest,
  { wasm }: Pick<StoreImage, 'wasm'>,
  onPart?: (doneBytes: number) => void,
): PlacedImage {
  const { lsn, hash, entryTime, snapshotId, origin } = manifest
  return {
    name: `snapshot ${snapshotId}`,
    mark: { lsn, hash, time: entryTime },
    parts: imageParts(objects, manifest, onPart),
    wasm,
    ...(origin === undefined ? {} : { adoption: { lsn, from: origin.hash, to: hash, forgets: origin.forgets } }),
  }
}
