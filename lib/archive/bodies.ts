import { bodiesPrefix } from '../log/keys.ts'
import { listSegments } from './segments.ts'
import type { TrimContext } from './trim.ts'
import { DAY_MS } from './trim-settings.ts'

const NAME = /^(\d{16})-([0-9A-HJKMNP-TV-Z]{26})(\/.+)?$/

/**
 * Deletes bodies beside the table that no entry needs: those of attempts that lost their slot, a day after it was taken, and
 * those of entries that were trimmed, a day after that; the archive has its own copy. Of what lies below the name of an entry it
 * has none: that stays for as long as it has the entry. Tells which.
 */
export async function removeOrphans({ log, objects, trimmable }: TrimContext, dryRun: boolean): Promise<string[]> {
  const prefix = bodiesPrefix(log.storeId)
  const orphans: string[] = []
  const trimmedTo = await log.trimmedTo()
  const archivedFrom = (await listSegments(objects, log.storeId))[0]?.from ?? 0
  const isOrphan = async (lsn: number, attempt: string, isPart: boolean) => {
    const item = await trimmable.get(lsn)
    if (item === undefined && lsn > trimmedTo) return false
    if (item?.attempt === attempt && item.trimmed === undefined) return false
    if (isPart && lsn >= archivedFrom) {
      const winner = item?.attempt ?? (await log.storedEntry(lsn))?.item.attempt
      if (winner === attempt) return false
    }
    return item === undefined || log.now() - (item.trimmed ?? item.time) >= DAY_MS
  }
  for (let after: string | undefined; ; ) {
    const page = await objects.list(prefix, after === undefined ? {} : { after })
    for (const { key } of page.objects) {
      const [, lsn, attempt, part] = NAME.exec(key.slice(prefix.length)) ?? []
      if (lsn !== undefined && (await isOrphan(Number(lsn), attempt!, part !== undefined))) orphans.push(key)
    }
    if (page.next === undefined) break
    after = page.next
  }
  if (!dryRun) for (const key of orphans) await objects.delete(key)
  return orphans
}
