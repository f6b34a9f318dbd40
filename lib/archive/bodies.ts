import { bodiesPrefix } from '../log/keys.ts'
import type { TrimContext } from './trim.ts'
import { DAY_MS } from './trim-settings.ts'

const NAME = /^(\d{16})-([0-9A-HJKMNP-TV-Z]{26})(?:\/|$)/

/**
 * Deletes bodies beside the table that no entry needs: those of attempts that lost their slot, a day after it was taken, and
 * those of entries that were trimmed, a day after that; the archive has its own copy. Tells which.
 */
export async function removeOrphans({ log, objects, trimmable }: TrimContext, dryRun: boolean): Promise<string[]> {
  const prefix = bodiesPrefix(log.storeId)
  const orphans: string[] = []
  const trimmedTo = await log.trimmedTo()
  const isOrphan = async (lsn: number, attempt: string) => {
    const item = await trimmable.get(lsn)
    if (item === undefined) return lsn <= trimmedTo
    if (item.trimmed === undefined && item.attempt === attempt) return false
    return log.now() - (item.trimmed ?? item.time) >= DAY_MS
  }
  for (let after: string | undefined; ; ) {
    const page = await objects.list(prefix, after === undefined ? {} : { after })
    for (const { key } of page.objects) {
      const [, lsn, attempt] = NAME.exec(key.slice(prefix.length)) ?? []
      if (lsn !== undefined && (await isOrphan(Number(lsn), attempt!))) orphans.push(key)
    }
    if (page.next === undefined) break
    after = page.next
  }
  if (!dryRun) for (const key of orphans) await objects.delete(key)
  return orphans
}
