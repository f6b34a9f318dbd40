import { assertCovered, readHoldings } from '../archive/coverage.ts'
import { TRIM_SETTINGS } from '../archive/trim-settings.ts'
import { type Backup, isSound } from '../backup/catalog.ts'
import { type DrillOutcome, drillBackup } from '../backup/drill.ts'
import { BACKUP_RETENTION, type BackupRetention, retainBackups } from '../backup/retention.ts'
import { type BackupContext, type BackupOutcome, takeBackup } from '../backup/take.ts'
import { BorealError, isBorealError, messageOf } from '../model/errors.ts'

/** Makes a backup and deletes those that are not kept: what a node does from time to time, and the function. */
export async function backupJob(
  context: BackupContext,
  options: { retention?: BackupRetention; retentionMs?: number } = {},
): Promise<BackupOutcome> {
  const { retention = BACKUP_RETENTION, retentionMs = TRIM_SETTINGS.retentionMs } = options
  const lacking = (remaining: readonly Backup[]) => lackingWith(context, retentionMs, remaining)
  try {
    return await takeBackup(context)
  } finally {
    // Also when it failed: what fails again and again must not fill the disk.
    await retainBackups({ ...context, lacking }, retention).catch((error: unknown) => {
      context.logger.warn('backups that are no longer kept could not be deleted', { error: messageOf(error) })
    })
  }
}

/** Why something in retention could not be restored from the remaining backups, snapshots and archive; undefined if all can. */
async function lackingWith(
  context: BackupContext,
  retentionMs: number,
  remaining: readonly Backup[],
): Promise<string | undefined> {
  const points = remaining.filter(isSound).map(({ id, lsn, document }) => ({ id, lsn, time: document!.entryTime }))
  try {
    assertCovered(await readHoldings(context, retentionMs, points), {}, 'backups')
    return undefined
  } catch (error) {
    if (isBorealError(error, 'not_covered')) return error.message
    throw error
  }
}

/** Restores a backup, by default the newest one, and says whether it is what it should be. */
export function drillJob(context: BackupContext, { id }: { id?: string | undefined } = {}): Promise<DrillOutcome> {
  return drillBackup(context, id)
}

/** @throws BorealError `backup_corrupt` when the drill did not pass, with what is wrong and what to do */
export function assertPassed(outcome: DrillOutcome): void {
  if (!outcome.passed) throw new BorealError('backup_corrupt', drillFailure(outcome))
}

/** What is wrong with a backup, and what to do. */
export function drillFailure({ backupId, image, dump }: DrillOutcome): string {
  const findings = Object.entries({ image, dump }).filter(([, { result }]) => result !== 'same')
  const texts = findings.map(
    ([what, { result, why }]) => `its ${what} ${result === 'failed' ? 'failed' : 'is unusable'}: ${why}`,
  )
  return `backup ${backupId} did not pass a restore drill: ${texts.join('; ')}. Make another one: boreal backup now`
}
