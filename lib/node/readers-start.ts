import type { Logger } from '../model/logger.ts'
import type { Follower } from '../replica/follower.ts'
import type { PlacedImage } from '../replica/image-source.ts'
import { freeBytes } from './memory-limit.ts'

/** Copies of an image that exist for a moment while it is taken, beside those of the readers that boot from it. */
const COPIES = 3

/**
 * Where readers begin beside a store that was loaded in bulk: at its image, so that every entry is applied once and not
 * once for each of them. When there is no room for the copies they go on from where it began and read the log by
 * themselves. Gives the image, and the LSN that the store has.
 */
export async function readersStart(
  follower: Follower,
  from: PlacedImage,
  { count, logger }: { count: number; logger: Logger },
): Promise<[PlacedImage, number]> {
  const { lsn } = follower.mark
  if (count === 0) return [from, lsn]
  const needed = (await follower.engine.memory()) * (COPIES + 2 * count)
  if (needed > freeBytes()) {
    logger.warn('not enough memory for an image, readers replay the log', { neededBytes: needed })
    return [from, lsn]
  }
  return [{ ...(await follower.image()), wasm: from.wasm }, lsn]
}
