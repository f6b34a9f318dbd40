import { decodeTime } from 'ulid'
import { LogTrimmed } from '../log/corrupt-entry.ts'
import { bodiesPrefix, stagePrefix } from '../log/keys.ts'
import type { Log } from '../log/log.ts'
import { getOrInsert } from '../model/get-or-insert.ts'
import { objectsBelow } from '../objects/folders.ts'
import type { TrimContext } from './trim.ts'
import { DAY_MS } from './trim-settings.ts'

/** A body, or a frame of one. */
const BODY = /^(\d{16})-([0-9A-HJKMNP-TV-Z]{26})(\/|$)/

/** Frames that were to become those of an entry. */
const STAGED = /^([0-9A-HJKMNP-TV-Z]{26})\//

/**
 * Deletes what is beside the table and no entry needs: bodies of attempts that lost their slot, a day after it was taken;
 * bodies of entries that were trimmed, a day after that, because the archive has its own copy; frames of those only when
 * the archive has forgotten the entry, because it has no copy of them; and what was staged for longer than a day. Tells
 * which.
 */
export async function removeOrphans(context: TrimContext, dryRun: boolean): Promise<string[]> {
  const { objects } = context
  const orphans = [...(await orphanedBodies(context)), ...(await orphanedStages(context))]
  if (!dryRun) for (const key of orphans) await objects.delete(key)
  return orphans
}

async function orphanedBodies({ log, objects, trimmable }: TrimContext): Promise<string[]> {
  const prefix = bodiesPrefix(log.storeId)
  const trimmedTo = await log.trimmedTo()
  const attempts = new Map<number, Promise<string | undefined>>()
  const isOrphan = async (lsn: number, attempt: string, isFrame: boolean) => {
    const item = await trimmable.get(lsn)
    if (item !== undefined && item.trimmed === undefined && item.attempt === attempt) return false
    if (isFrame && (await getOrInsert(attempts, lsn, () => attemptAt(log, lsn))) === attempt) return false
    if (item === undefined) return lsn <= trimmedTo
    return log.now() - (item.trimmed ?? item.time) >= DAY_MS
  }
  const orphans: string[] = []
  for await (const { key } of objectsBelow(objects, prefix)) {
    const [, lsn, attempt, end] = BODY.exec(key.slice(prefix.length)) ?? []
    if (lsn !== undefined && (await isOrphan(Number(lsn), attempt!, end === '/'))) orphans.push(key)
  }
  return orphans
}

/** Which attempt has a slot, as the table or the archive knows it. */
async function attemptAt(log: Log, lsn: number): Promise<string | undefined> {
  try {
    return (await log.storedEntry(lsn))?.item.attempt
  } catch (error) {
    if (error instanceof LogTrimmed) return undefined
    throw error
  }
}

async function orphanedStages({ log, objects }: TrimContext): Promise<string[]> {
  const prefix = stagePrefix(log.storeId)
  const orphans: string[] = []
  for await (const { key } of objectsBelow(objects, prefix)) {
    const [, stage] = STAGED.exec(key.slice(prefix.length)) ?? []
    if (stage !== undefined && log.now() - decodeTime(stage) >= DAY_MS) orphans.push(key)
  }
  return orphans
}
