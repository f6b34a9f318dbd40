import type { StoredEntry } from '../log/archived-entries.ts'
import type { LogMark } from '../log/chain.ts'
import type { DynamoStores } from '../log/dynamo-stores.ts'
import type { Logger } from '../model/logger.ts'
import type { Runtime } from '../model/runtime.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import type { BaseImage } from '../store/base-image.ts'
import type { Engine } from '../store/engine.ts'
import type { StoreImage } from '../store/image-parts.ts'

/** Where stores are made and deleted. */
export interface StoresContext {
  stores: DynamoStores
  objects: ObjectStore
  base: BaseImage
  runtime: Runtime
  logger: Logger
  /** Boots an engine, where a snapshot of an older build has to be looked into. Default: in the thread that calls. */
  boot?: ((image: StoreImage) => Promise<Engine>) | undefined
}

/** Verified entries of one store after a place of its log, as they are stored. */
export type EntrySource = (mark: LogMark) => AsyncIterable<StoredEntry[]>
