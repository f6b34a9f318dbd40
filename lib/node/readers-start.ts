import type { Logger } from '../model/logger.ts'
import type { Follower } from '../replica/follower.ts'
import type { PlacedImage } from '../replica/image-source.ts'
import { freeBytes } from './memory-limit.ts'

/**
 * Where readers begin beside a store that was loaded in bulk: at its image, so that every entry is applied once and not
 * once for each of them. When there is no room for it they go on from where it began and read the log by
 * themselves.
 */
export async function readersStart(
  follower: Follower,
  from: PlacedImage,
  { count, logger }: { count: number; logger: Logger },
): Promise<PlacedImage> {
  if (count === 0) return from
  // The image, and what each of them makes of it part by part.
  const neededBytes = (await follower.engine.memory()) * (1 + count)
  if (neededBytes > freeBytes()) {
    logger.warn('not enough memory for an image, readers replay the log', { neededBytes })
    return from
  }
  return { ...(await follower.image()), wasm: from.wasm }
}
