import type { Logger } from '../model/logger.ts'
import type { Follower } from '../replica/follower.ts'
import type { BaseImage } from '../store/base-image.ts'
import { freeBytes } from './memory-limit.ts'

/** Copies of an image that exist for a moment while it is taken, beside those of the readers that boot from it. */
const COPIES = 3

/**
 * Where readers begin beside a store that was loaded: at its image, so that every entry is applied once and not once for
 * each of them. When there is no room for the copies they read the log by themselves.
 */
export async function readersStart(
  follower: Follower,
  base: BaseImage,
  { count, logger }: { count: number; logger: Logger },
): Promise<{ lsn: number; image?: BaseImage }> {
  const { lsn } = follower.mark
  if (count === 0) return { lsn }
  const needed = (await follower.engine.memory()) * (COPIES + 2 * count)
  if (needed > freeBytes()) {
    logger.warn('not enough memory for an image, readers replay the log', { neededBytes: needed })
    return { lsn }
  }
  const copy = await follower.image()
  const bytes = new SharedArrayBuffer(copy.bytes.byteLength)
  new Uint8Array(bytes).set(copy.bytes)
  return { lsn: copy.lsn, image: { ...base, bytes } }
}
