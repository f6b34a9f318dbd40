import type { Log } from '../log/log.ts'
import { contradictedBy } from '../log/quarantine.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { type Backup, backups as backupsIn } from './catalog.ts'

/**
 * The newest backup whose dump can be relied on, by its documents: all there, not on its way out, not found wanting by a
 * drill, and without anything that was quarantined since.
 */
export async function newestDump({ log, backups }: { log: Log; backups: ObjectStore }): Promise<Backup | undefined> {
  const lost = await log.quarantined()
  for await (const backup of backupsIn(backups, log.storeId)) {
    const { lsn, document, manifest, hasDump, deletion, drill } = backup
    if (document === undefined || !hasDump || deletion !== undefined || drill?.dump.result === 'failed') continue
    const takenAt = manifest?.takenAt ?? document.entryTime
    if (contradictedBy(lost, { lsn, takenAt }) === undefined) return backup
  }
  return undefined
}
