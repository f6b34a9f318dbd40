import type { LogMark } from '../log/chain.ts'
import { BorealError, messageOf } from '../model/errors.ts'
import type { Logger } from '../model/logger.ts'
import { type Adoption, adoptStatements } from '../store/adopt.ts'
import type { Engine } from '../store/engine.ts'
import type { StoreImage } from '../store/image-parts.ts'
import { Store } from '../store/store.ts'

/** An image of the store at a place of the log. */
export interface PlacedImage extends StoreImage {
  mark: LogMark
  /** What it is, for the log of the node. */
  name: string
  /** Brings a store that was booted from it to the schema of this build; absent where it has that. */
  migrate?(engine: Engine): Promise<unknown>
  /** Makes it the store that should stand at `mark`: for images that were copied from another store. */
  adoption?: Adoption
}

/**
 * Where images of the store are found. Every store that boots asks for the best one and goes on from there along the log;
 * when it cannot be used, for the next one.
 */
export interface ImageSource {
  /**
   * Images at or before `upTo`, the best first, each looked for when it is asked for. The last one is the empty store,
   * from which the log alone leads on.
   */
  images(upTo: number): AsyncIterable<PlacedImage>
}

export const EMPTY_STORE = 'the empty store'

/**
 * The empty store, from which the log alone leads on: the last image there is. Where it stands is asked for when it is
 * needed: a log that was trimmed has forgotten it, and starts from something else.
 */
export function onlyEmptyStore({ parts, wasm }: StoreImage, genesis: () => Promise<LogMark>): ImageSource {
  return {
    async *images() {
      yield { parts, wasm, mark: await genesis(), name: EMPTY_STORE }
    },
  }
}

/** One source after the other: what the first one has, then what the second one has, and so on. */
export function sourcesInTurn(sources: readonly ImageSource[]): ImageSource {
  return {
    async *images(upTo) {
      for (const source of sources) yield* source.images(upTo)
    },
  }
}

/**
 * Does `work` with the best image, and with the next one when it fails; says why. Throws what the last one failed with.
 */
export async function withBestImage<T>(
  source: ImageSource,
  upTo: number,
  logger: Logger,
  work: (image: PlacedImage) => Promise<T>,
): Promise<T> {
  let failure: unknown = new BorealError('internal', 'there is no image to boot from')
  let failed: PlacedImage | undefined
  for await (const image of source.images(upTo)) {
    if (failed !== undefined) logger.warn('trying the next image', { image: image.name, lsn: image.mark.lsn })
    try {
      return await work(image)
    } catch (error) {
      failure = error
      failed = image
      logger.warn('a store could not be booted', { image: image.name, lsn: image.mark.lsn, error: messageOf(error) })
    }
  }
  throw failure
}

/**
 * Takes over an engine that was booted from an image, and brings it to the schema of this build. Throws, and ends it, when
 * that fails, or when it does not stand where it should.
 */
export async function openStore(engine: Engine, image: PlacedImage): Promise<Store> {
  const { mark, adoption } = image
  try {
    if (adoption !== undefined) await engine.run(adoptStatements(adoption))
    await image.migrate?.(engine)
    const store = await Store.open(engine, mark)
    const { lsn, hash, time } = store.mark
    if (lsn === mark.lsn && hash === mark.hash && time === mark.time) return store
    throw new BorealError(
      'snapshot_corrupt',
      `${image.name} should stand at LSN ${mark.lsn} (${mark.hash}) and stands at ${lsn} (${hash})`,
    )
  } catch (error) {
    await engine.kill()
    throw error
  }
}
