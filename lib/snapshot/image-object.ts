import type { ObjectReads } from '../objects/object-store.ts'
import type { ImageParts } from '../store/image-parts.ts'
import type { Manifest, StoredParts } from './documents.ts'
import { partName, snapshotKey } from './names.ts'
import { type PartsPlace, readPart } from './stored-parts.ts'

/** Parts that are kept for the next engine that boots, and parts that are fetched ahead: some 16 MB each. */
const KEPT = 4
const AHEAD = 2

/** Where the image of a snapshot is. */
export function imagePlace(
  objects: ObjectReads,
  { storeId, snapshotId }: { storeId: string; snapshotId: string },
): PartsPlace {
  return {
    objects,
    key: (index) => snapshotKey(storeId, snapshotId, partName(index)),
    what: `the image of snapshot ${snapshotId}`,
  }
}

/** The parts of a snapshot's image. */
export function imageParts(
  objects: ObjectReads,
  manifest: Manifest,
  onPart?: (doneBytes: number) => void,
): ImageParts & { check(): Promise<void> } {
  return imagePartsAt(imagePlace(objects, manifest), manifest.image, onPart)
}

/**
 * The parts of an image. Several engines may boot from them at once: they are at about the same place, so each part is
 * fetched and checked once for all of them, and only a few are in memory.
 */
export function imagePartsAt(
  place: PartsPlace,
  image: StoredParts,
  onPart?: (doneBytes: number) => void,
): ImageParts & { check(): Promise<void> } {
  const { parts } = image
  const kept = new Map<number, Promise<Uint8Array>>()
  let done = 0
  const fetched = (index: number): Promise<Uint8Array> => {
    const known = kept.get(index)
    if (known !== undefined) return known
    const part = readPart(place, image, index, { shared: true })
    part.then(
      () => {
        done += parts[index]!.bytes
        onPart?.(done)
      },
      // A failure is not kept: who asks again may have more luck.
      () => kept.delete(index),
    )
    kept.set(index, part)
    return part
  }
  return {
    count: parts.length,
    part(index) {
      for (let ahead = index; ahead <= index + AHEAD && ahead < parts.length; ahead++) void fetched(ahead)
      const part = fetched(index)
      for (const each of kept.keys()) if (each < index - KEPT) kept.delete(each)
      // Behind the last one nothing is left to be shared.
      if (index === parts.length - 1) part.then(() => kept.clear()).catch(() => undefined)
      return part
    },
    async check() {
      for (const index of parts.keys()) await readPart(place, image, index)
    },
  }
}
