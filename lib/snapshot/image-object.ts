import { promisify } from 'node:util'
import { deflateRawSync, inflateRaw } from 'node:zlib'
import { BorealError, messageOf } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { type ImageParts, inSharedMemory } from '../store/image-parts.ts'
import { type ImagePart, type Manifest, type PartCodec, sha256Of } from './documents.ts'
import { partName, snapshotKey } from './names.ts'

/** Parts that are kept for the next engine that boots, and parts that are fetched ahead: some 16 MB each. */
const KEPT = 4
const AHEAD = 2

/** Writes an image part by part. Only one part is in memory, as it comes from the engine, and one as it is stored. */
export async function writeImage(
  objects: ObjectStore,
  place: { storeId: string; snapshotId: string },
  image: AsyncIterable<Uint8Array>,
  codec: PartCodec,
): Promise<Manifest['image']> {
  const parts: ImagePart[] = []
  for await (const part of image) {
    const stored = codec === 'none' ? part : deflateRawSync(part, { level: 1 })
    await objects.put(snapshotKey(place.storeId, place.snapshotId, partName(parts.length)), stored, { ifAbsent: true })
    parts.push({ bytes: part.byteLength, storedBytes: stored.byteLength, sha256: sha256Of(stored) })
  }
  const sum = (size: (part: ImagePart) => number) => parts.reduce((bytes, part) => bytes + size(part), 0)
  return { codec, bytes: sum((part) => part.bytes), storedBytes: sum((part) => part.storedBytes), parts }
}

/**
 * The parts of a snapshot's image. Several engines may boot from them at once: they are at about the same place, so each
 * part is fetched and checked once for all of them, and only a few are in memory.
 */
export function imageParts(
  objects: ObjectStore,
  manifest: Manifest,
  onPart?: (doneBytes: number) => void,
): ImageParts & { check(): Promise<void> } {
  const { parts } = manifest.image
  const kept = new Map<number, Promise<Uint8Array>>()
  let done = 0
  const fetched = (index: number): Promise<Uint8Array> => {
    const known = kept.get(index)
    if (known !== undefined) return known
    const part = readPart(objects, manifest, index)
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
      for (const index of parts.keys()) await readPart(objects, manifest, index)
    },
  }
}

/** @throws BorealError `snapshot_corrupt` when the part is not what the manifest says */
export async function readPart(objects: ObjectStore, manifest: Manifest, index: number): Promise<Uint8Array> {
  const { storeId, snapshotId, image } = manifest
  const { bytes, storedBytes, sha256 } = image.parts[index]!
  const refuse = (why: string) => {
    const message = `part ${index} of the image of snapshot ${snapshotId} ${why}`
    return new BorealError('snapshot_corrupt', message)
  }
  const key = snapshotKey(storeId, snapshotId, partName(index))
  const stored = await objects.get(key).catch((error: unknown) => {
    throw error instanceof BorealError && error.code === 'not_found' ? refuse('is missing') : error
  })
  if (stored.byteLength !== storedBytes) throw refuse(`has ${stored.byteLength} bytes instead of ${storedBytes}`)
  if (sha256Of(stored) !== sha256) throw refuse('is damaged: it does not match its checksum')
  const part =
    image.codec === 'none' ? stored : await inflated(stored, bytes).catch((e) => Promise.reject(refuse(messageOf(e))))
  if (part.byteLength !== bytes) throw refuse(`unpacks to ${part.byteLength} bytes instead of ${bytes}`)
  return inSharedMemory(part)
}

const inflated = (stored: Uint8Array, bytes: number) => promisify(inflateRaw)(stored, { maxOutputLength: bytes })
