import { chainOf, listSegments } from '../archive/segments.ts'
import type { LogInspection } from '../log/inspection.ts'
import { headKey } from '../log/keys.ts'
import { contradictedBy, decodeQuarantine } from '../log/quarantine.ts'
import { isBorealError } from '../model/errors.ts'
import { type Snapshot, snapshots } from '../snapshot/catalog.ts'
import type { Manifest } from '../snapshot/documents.ts'
import type { Known, Source } from './context.ts'
import type { Finding } from './finding.ts'

/** What every check needs, read once; and what was found wrong meanwhile. */
export async function learn({ log, objects, storeId }: Source): Promise<{ known: Known; findings: Finding[] }> {
  const findings: Finding[] = []
  const head = await log.head()
  const known: Known = { trimmedTo: head?.trimmedTo ?? 0, quarantined: [], snapshots: [], archivedTo: -1 }
  try {
    known.quarantined = decodeQuarantine(head?.quarantined)
  } catch (error) {
    if (!isBorealError(error, 'log_corrupt')) throw error
    findings.push({
      ...{ severity: 'damage', key: headKey(storeId), what: 'the list of quarantined entries is damaged' },
      safe: 'No node starts: none knows which entries are to be stepped over.',
      next: 'Put the attribute "quarantined" of the item back from a backup of the table.',
    })
  }
  if (objects !== undefined) {
    for await (const each of snapshots(objects, storeId)) known.snapshots.push(each)
    known.archivedTo = chainOf(await listSegments(objects, storeId)).end?.to ?? -1
  }
  return { known, findings }
}

/** The newest snapshot at or above an LSN that stores start from. */
export function newestUsable(known: Known, lsn: number): Snapshot | undefined {
  return known.snapshots.find((each) => each.state === 'verified' && each.lsn >= lsn && !isTooOld(each, known))
}

/** Whether it has the effects of an entry that was quarantined after it was taken. */
export function isTooOld({ manifest }: Snapshot, { quarantined }: Pick<Known, 'quarantined'>): boolean {
  return manifest !== undefined && contradictedBy(quarantined, manifest) !== undefined
}

/** Whether the log has the entry that a snapshot ends with, by itself or as the predecessor of the next one. */
export async function isKnownToLog(
  log: LogInspection,
  { lsn, hash }: Pick<Manifest, 'lsn' | 'hash'>,
): Promise<boolean> {
  return (await log.slot(lsn))?.item.hash === hash || (await log.slot(lsn + 1))?.item.prev === hash
}
