import type { DoctorContext } from './context.ts'
import type { Finding } from './finding.ts'
import { newestUsable } from './known.ts'

/** What is safe, and what to run next, when entries are damaged. */
export function adviceAt(
  { known }: Pick<DoctorContext, 'known'>,
  lsn: number,
  to: number,
): Pick<Finding, 'safe' | 'next'> {
  const range = lsn === to ? `${lsn}` : `${lsn}..${to}`
  if (to <= known.archivedTo) {
    return {
      safe: 'Nodes read it from the archive, if that has it whole.',
      next: `boreal doctor repair ${range} --from archive`,
    }
  }
  const above = newestUsable(known, to)
  if (above !== undefined) {
    return {
      safe: `Nodes start from snapshot ${above.id} (LSN ${above.lsn}) and do not read it. States from before that are lost with it.`,
      next: `With another copy of the log: boreal doctor repair ${range} --from FILE. Take a backup of the bucket first.`,
    }
  }
  return {
    safe: 'Nodes that had applied it go on serving: do not stop them. No node can start past it. Delete nothing.',
    next:
      `With another copy of the log (boreal log export): boreal doctor repair ${range} --from FILE. ` +
      `Without: boreal doctor quarantine ${range} --reason TEXT --dry-run says what would be lost.`,
  }
}
