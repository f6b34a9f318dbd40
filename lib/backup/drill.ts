import { BorealError, isBorealError, messageOf } from '../model/errors.ts'
import { encodeDocument, sha256Of } from '../objects/checked-document.ts'
import { openStore } from '../replica/image-source.ts'
import { contentsOf, difference } from '../snapshot/describe.ts'
import { unusableBecause } from '../snapshot/usable.ts'
import { PgliteEngine } from '../store/engine.ts'
import type { Store } from '../store/store.ts'
import { type Backup, findBackup, newestComplete } from './catalog.ts'
import { BACKUP_FORMAT, type BackupDocument, type Drill, drillSchema, type Finding } from './documents.ts'
import { BACKUP, backupKey, DRILL } from './names.ts'
import { backupImage, storeOfDump, unloadableBecause } from './restored.ts'
import type { BackupContext } from './take.ts'

export interface DrillOutcome {
  backupId: string
  lsn: number
  passed: boolean
  image: Finding
  dump: Finding
}

/**
 * A restore drill: restores a backup into fresh stores, once from its image and once from its dump, and compares digest and
 * row counts with what the backup says. What was found is written beside it; a drill that did not pass is an error in
 * the log.
 *
 * @param id which one; default the newest that is complete
 * @throws BorealError `not_found` when there is no such backup, `backup_corrupt` when nothing of it can be believed
 */
export async function drillBackup(context: BackupContext, id?: string): Promise<DrillOutcome> {
  const { log, logger } = context
  const backup = await chosen(context, id)
  const { document } = backup
  if (document === undefined) {
    const why = `backup ${backup.id} is ${backup.state}${backup.why === undefined ? '' : `: ${backup.why}`}`
    logger.error('a restore drill did not pass', { backup: backup.id, why })
    throw new BorealError('backup_corrupt', `${why}. Make another one: boreal backup now`)
  }
  const image = await checked(context, document, () => restoredImage(context, backup, document))
  const dump = await checked(context, document, () => restoredDump(context, backup, document))
  const results = [image.result, dump.result]
  const passed = results.includes('same') && !results.includes('failed')
  const outcome = { backupId: backup.id, lsn: backup.lsn, passed, image, dump }
  if (passed) logger.info('a restore drill passed', { ...outcome })
  else logger.error('a restore drill did not pass', { ...outcome })
  await writeReport(context, outcome, Math.round(log.now()))
  return outcome
}

async function chosen({ backups, log }: BackupContext, id: string | undefined): Promise<Backup> {
  const found =
    id === undefined ? await newestComplete(backups, log.storeId) : await findBackup(backups, log.storeId, id)
  if (found !== undefined) return found
  const what = id === undefined ? 'no complete backup yet; boreal backup now' : `no backup ${id}; boreal backup list`
  throw new BorealError('not_found', `there is ${what}`)
}

/** What this build cannot restore, whether it is damaged or not. */
class Unusable extends Error {}

async function restoredImage(context: BackupContext, backup: Backup, document: BackupDocument): Promise<Store> {
  const { base, boot = PgliteEngine.bootImage } = context
  const { manifest } = backup
  if (manifest === undefined) throw new BorealError('backup_corrupt', backup.why!)
  const why = unusableBecause(manifest, base)
  if (why !== undefined) throw new Unusable(why)
  const image = backupImage(context, document, manifest)
  return openStore(await boot(image), image)
}

async function restoredDump(context: BackupContext, backup: Backup, document: BackupDocument): Promise<Store> {
  if (!backup.hasDump) throw new BorealError('backup_corrupt', backup.why!)
  const why = unloadableBecause(document, context.base)
  if (why !== undefined) throw new Unusable(why)
  return storeOfDump(context, document)
}

/** Compares what was restored; whatever keeps it from being restored is a finding, too. */
async function checked(
  { runtime }: BackupContext,
  { digest, rows }: BackupDocument,
  restore: () => Promise<Store>,
): Promise<Finding> {
  const startedAt = runtime.monotonic()
  const finding = (result: Finding['result'], why?: string): Finding => {
    const ms = Math.round(runtime.monotonic() - startedAt)
    return { result, ...(why === undefined ? {} : { why }), ms }
  }
  let store: Store | undefined
  try {
    store = await restore()
    const differs = difference({ digest, rows }, await contentsOf(store))
    return differs === undefined ? finding('same') : finding('failed', `restored, ${differs}`)
  } catch (error) {
    return finding(error instanceof Unusable ? 'unusable' : 'failed', messageOf(error))
  } finally {
    await store?.engine.kill()
  }
}

/** The newest report stays; of two drills at once it does not matter whose. */
async function writeReport(context: BackupContext, outcome: DrillOutcome, drilledAt: number): Promise<Drill> {
  const { backups, log } = context
  const { storeId } = log
  const { backupId, lsn, passed, image, dump } = outcome
  const { document, bytes } = encodeDocument(drillSchema, {
    format: BACKUP_FORMAT,
    ...{ backupId, storeId, lsn, passed, image, dump, drilledAt },
    backup: sha256Of(await backups.get(backupKey(storeId, backupId, BACKUP))),
    drilledBy: log.writer,
  })
  const key = backupKey(storeId, backupId, DRILL)
  const before = await backups.head(key)
  try {
    await backups.put(key, bytes, before === undefined ? { ifAbsent: true } : { ifMatch: before.etag })
  } catch (error) {
    if (!isBorealError(error, 'precondition_failed')) throw error
  }
  return document
}
