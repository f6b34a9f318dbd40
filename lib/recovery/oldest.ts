import { LogTrimmed } from '../log/corrupt-entry.ts'
import type { Log } from '../log/log.ts'
import type { ImageSource } from '../replica/image-source.ts'

/**
 * The lowest LSN from which on every state can be restored: where the log begins, or the oldest image from which it leads
 * on. Undefined when there is none. For telling people; looks at every image.
 */
export async function oldestRestorable(log: Log, images: ImageSource): Promise<number | undefined> {
  let oldest: number | undefined
  try {
    for await (const { mark } of images.images(Number.POSITIVE_INFINITY)) {
      // With the entry behind it gone, it is restorable itself, but nothing from there on.
      const leadsOn = (await log.entry(mark.lsn + 1)) !== undefined || (await log.trimmedTo()) <= mark.lsn
      if (!leadsOn) return oldest
      oldest = mark.lsn
    }
  } catch (error) {
    if (!(error instanceof LogTrimmed)) throw error
  }
  return oldest
}
