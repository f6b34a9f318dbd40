import { BorealError } from '../model/errors.ts'
import { FORMAT_VERSION } from '../model/format.ts'
import type { BorealNode } from './node.ts'

/** Which events the log may hold, and whether that is all that this build can write. */
export interface UpgradeStatus {
  /** Format of the store, at `lsn`. */
  format: number
  /** The newest that this build writes and reads. */
  newestFormat: number
  /** Whether there is nothing to finalize. */
  finalized: boolean
  /** What this build refuses until then, in words. */
  waiting: string[]
  schemaVersion: number
  lsn: number
}

/** What each format brings, for people. */
const BRINGS: Record<number, string> = { 2: 'removeHostAttributes, backtrack, commits of recoveries' }

/** How far the upgrade of the store is, as of now. */
export async function upgradeStatus(node: BorealNode): Promise<UpgradeStatus> {
  const lsn = await node.confirm()
  const { format, schemaVersion } = node
  const waiting = Object.entries(BRINGS).filter(([since]) => Number(since) > format)
  return {
    format,
    newestFormat: FORMAT_VERSION,
    finalized: format >= FORMAT_VERSION,
    waiting: waiting.map(([, what]) => what),
    schemaVersion,
    lsn,
  }
}

/**
 * Allows what only this build and later ones can read: from then on nodes of older builds stop when they meet it, and no
 * node can be rolled back to one. Does nothing to a store that is finalized.
 *
 * @throws BorealError `confirmation_required` when it was not confirmed
 */
export async function finalizeUpgrade(
  node: BorealNode,
  { principal, dryRun, confirm }: { principal: string; dryRun?: boolean | undefined; confirm?: boolean | undefined },
): Promise<UpgradeStatus & { changed: boolean }> {
  const before = await upgradeStatus(node)
  if (before.finalized || dryRun) return { ...before, changed: false }
  if (!confirm) {
    throw new BorealError(
      'confirmation_required',
      `finalizing goes from format ${before.format} to ${FORMAT_VERSION}: nodes of builds that do not know it stop, and ` +
        'there is no way back. Send {"confirm": true}, or boreal upgrade finalize --yes',
    )
  }
  const { results } = await node.submit(
    { operations: [{ op: 'finalizeFormat', format: FORMAT_VERSION }] },
    { principal, reason: 'upgrade finalize' },
  )
  return { ...(await upgradeStatus(node)), changed: results[0]!.affected > 0 }
}
