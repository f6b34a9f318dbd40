import type { LogMark } from '../log/chain.ts'
import { LOG_FORMAT } from '../log/event-log.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { type BaseImage, PGLITE_VERSION } from '../store/base-image.ts'
import type { Store } from '../store/store.ts'
import { type FullContents, postgresVersion } from './describe.ts'
import { encodeDocument, type Manifest, manifestSchema, type PartCodec, SNAPSHOT_FORMAT } from './documents.ts'
import { imagePlace } from './image-object.ts'
import { MANIFEST, snapshotId, snapshotKey } from './names.ts'
import { writeParts } from './stored-parts.ts'

export interface WriteContext {
  objects: ObjectStore
  base: BaseImage
  newId(): string
  /** Who writes, and when. */
  log: { now(): number; writer: string }
  codec?: PartCodec | undefined
}

/** What a manifest says of a store of this build's schema beside its image. */
export interface Described {
  storeId: string
  /** Where the store that boots from it is to stand. */
  mark: LogMark
  contents: FullContents
  /** The store that it was made of, if that was another one. */
  origin?: Manifest['origin']
}

/** Writes image and manifest of a store. Nobody has verified them yet. */
export async function writeImage(
  { objects, base, newId, log, codec = 'none' }: WriteContext,
  store: Store,
  { storeId, mark, contents, origin }: Described,
): Promise<Manifest> {
  const place = { storeId, snapshotId: snapshotId(mark.lsn, newId()) }
  const postgres = await postgresVersion(store)
  const image = await writeParts({ ...imagePlace(objects, place), objects }, store.engine.image(), codec)
  const { document, bytes } = encodeDocument(manifestSchema, {
    format: SNAPSHOT_FORMAT,
    ...place,
    lsn: mark.lsn,
    hash: mark.hash,
    entryTime: mark.time,
    schemaVersion: base.schemaVersion,
    schemaChecksum: base.schemaChecksum,
    logFormat: LOG_FORMAT,
    pglite: PGLITE_VERSION,
    postgres,
    takenAt: Math.round(log.now()),
    takenBy: log.writer,
    image,
    ...contents,
    ...(origin === undefined ? {} : { origin }),
  })
  await objects.put(snapshotKey(storeId, place.snapshotId, MANIFEST), bytes, { ifAbsent: true })
  return document
}
