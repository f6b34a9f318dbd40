import { promisify } from 'node:util'
import { deflateRawSync, inflateRaw } from 'node:zlib'
import { BorealError, messageOf } from '../model/errors.ts'
import type { ObjectReads, ObjectStore } from '../objects/object-store.ts'
import { inSharedMemory } from '../store/image-parts.ts'
import { type ImagePart, type PartCodec, type StoredParts, sha256Of } from './documents.ts'

/** Something large as objects of some megabytes: one is in memory at a time, as it comes and as it is stored. */

/** Where the parts of something are, and what it is: `the image of snapshot 1`. */
export interface PartsPlace {
  objects: ObjectReads
  key(index: number): string
  what: string
}

/** Where parts are to be. */
export interface WritablePlace extends PartsPlace {
  objects: ObjectStore
}

/** Writes the parts under their keys, where nothing must be yet. */
export async function writeParts(
  { objects, key }: Omit<WritablePlace, 'what'>,
  parts: AsyncIterable<Uint8Array>,
  codec: PartCodec,
): Promise<StoredParts> {
  const written: ImagePart[] = []
  for await (const part of parts) {
    const stored = codec === 'none' ? part : deflateRawSync(part, { level: 1 })
    await objects.put(key(written.length), stored, { ifAbsent: true })
    written.push({ bytes: part.byteLength, storedBytes: stored.byteLength, sha256: sha256Of(stored) })
  }
  const sum = (size: (part: ImagePart) => number) => written.reduce((bytes, part) => bytes + size(part), 0)
  return { codec, bytes: sum((part) => part.bytes), storedBytes: sum((part) => part.storedBytes), parts: written }
}

/** Copies parts as they are stored; each is checked on the way. @throws BorealError `snapshot_corrupt` */
export async function copyParts(from: PartsPlace, to: WritablePlace, { parts }: StoredParts): Promise<void> {
  for (const index of parts.keys()) {
    await to.objects.put(to.key(index), await storedPart(from, parts, index), { ifAbsent: true })
  }
}

/**
 * `shared`: in memory that threads can share.
 *
 * @throws BorealError `snapshot_corrupt` when the part is not what the documents say
 */
export async function readPart(
  place: PartsPlace,
  { codec, parts }: StoredParts,
  index: number,
  { shared = false } = {},
): Promise<Uint8Array> {
  const refuse = (why: string) => corrupt(place, index, why)
  const stored = await storedPart(place, parts, index, { shared: shared && codec === 'none' })
  const { bytes } = parts[index]!
  const part =
    codec === 'none' ? stored : await inflated(stored, bytes).catch((e) => Promise.reject(refuse(messageOf(e))))
  if (part.byteLength !== bytes) throw refuse(`unpacks to ${part.byteLength} bytes instead of ${bytes}`)
  return shared ? inSharedMemory(part) : part
}

/** All parts, one after the other. @throws BorealError `snapshot_corrupt` */
export async function* readParts(place: PartsPlace, stored: StoredParts): AsyncGenerator<Uint8Array> {
  for (const index of stored.parts.keys()) yield await readPart(place, stored, index)
}

/** What is missing or has another size, of the sizes of objects by name, in words. */
export function missingPart(
  { parts }: StoredParts,
  sizes: ReadonlyMap<string, number>,
  name: (index: number) => string,
  what: string,
): string | undefined {
  for (const [index, { storedBytes }] of parts.entries()) {
    const size = sizes.get(name(index))
    if (size === undefined) return `part ${index} of its ${what} is missing`
    if (size !== storedBytes) return `part ${index} of its ${what} has ${size} bytes`
  }
  return undefined
}

async function storedPart(
  place: PartsPlace,
  parts: readonly ImagePart[],
  index: number,
  { shared = false } = {},
): Promise<Uint8Array> {
  const refuse = (why: string) => corrupt(place, index, why)
  const { storedBytes, sha256 } = parts[index]!
  const { objects, key } = place
  const stored = await (shared ? objects.getShared(key(index)) : objects.get(key(index))).catch((error: unknown) => {
    throw error instanceof BorealError && error.code === 'not_found' ? refuse('is missing') : error
  })
  if (stored.byteLength !== storedBytes) throw refuse(`has ${stored.byteLength} bytes instead of ${storedBytes}`)
  if (sha256Of(stored) !== sha256) throw refuse('is damaged: it does not match its checksum')
  return stored
}

function corrupt({ what }: PartsPlace, index: number, why: string): BorealError {
  return new BorealError('snapshot_corrupt', `part ${index} of ${what} ${why}`)
}

const inflated = (stored: Uint8Array, bytes: number) => promisify(inflateRaw)(stored, { maxOutputLength: bytes })
