import { decodeTime } from 'ulid'
import { isBorealError, messageOf } from '../../model/errors.ts'
import { findSnapshot, type Snapshot } from '../../snapshot/catalog.ts'
import { decodeDocument, deletionSchema } from '../../snapshot/documents.ts'
import { imageParts } from '../../snapshot/image-object.ts'
import { DELETION, snapshotKey } from '../../snapshot/names.ts'
import type { Check, DoctorContext } from '../context.ts'
import { type Finding, ok } from '../finding.ts'
import { isKnownToLog, isTooOld, newestUsable } from '../known.ts'

/** Younger ones may still be at work. */
const HOUR_MS = 60 * 60 * 1_000

/** Documents, parts, and whether the log knows them. */
export const snapshotsCheck: Check = {
  name: 'snapshots',
  applies: ({ objects }) => objects !== undefined,
  async *run(context): AsyncGenerator<Finding> {
    const { snapshots } = context.known
    let verified = 0
    context.progress.begin(
      'image parts',
      snapshots.reduce((sum, { manifest }) => sum + (manifest?.image.parts.length ?? 0), 0),
    )
    for (const snapshot of snapshots) {
      const findings = await findingsOf(context, snapshot)
      if (snapshot.state === 'verified') verified++
      // Old ones are deleted and new ones become whole while we look.
      if (findings.length > 0 && !(await hasChanged(context, snapshot))) yield* findings
      context.progress.advance(snapshot.manifest?.image.parts.length ?? 0)
    }
    context.progress.end()
    yield ok(`${snapshots.length}, ${verified} of them verified`)
  },
}

async function hasChanged({ objects, storeId }: DoctorContext, { id, state, deletion }: Snapshot): Promise<boolean> {
  const now = await findSnapshot(objects!, storeId, id)
  return now === undefined || now.state !== state || (now.deletion === undefined) !== (deletion === undefined)
}

async function findingsOf(context: DoctorContext, snapshot: Snapshot): Promise<Finding[]> {
  const { objects, storeId, known, runtime } = context
  const { id, lsn, state, why, manifest } = snapshot
  const key = snapshotKey(storeId, id, '').slice(0, -1)
  const isOld = runtime.now() - decodeTime(id.slice(-26)) > HOUR_MS
  const damage = (what: string): Finding => ({ severity: 'damage', lsn, key, what, ...adviceFor(context, snapshot) })
  const warning = (what: string, next: string): Finding => ({ severity: 'warning', lsn, key, what, next })
  const findings: Finding[] = []
  if (!(await isMarkReadable(context, snapshot))) {
    findings.push(
      warning(`${DELETION} is damaged`, 'It counts for nothing; the next snapshot run makes it again if it is due.'),
    )
  }
  if (state === 'damaged') return [...findings, damage(why ?? 'it is damaged')]
  if (manifest === undefined) {
    return isOld
      ? [
          ...findings,
          warning(
            why ?? 'it has no manifest: whoever wrote it was stopped',
            'Nothing reads it; a snapshot run deletes it in time.',
          ),
        ]
      : findings
  }
  const strange = await strangeToLog(context, snapshot)
  if (strange !== undefined) findings.push(strange)
  if (state === 'complete' && why !== undefined) findings.push(damage(why))
  if (state === 'complete' && why === undefined && isOld) {
    findings.push(warning('nobody has restored it yet, so no store starts from it', 'boreal snapshot now'))
  }
  if (isTooOld(snapshot, known)) {
    findings.push(
      warning(
        'it was taken before an entry that it has was quarantined: no store starts from it',
        'boreal snapshot now',
      ),
    )
  }
  try {
    await imageParts(objects!, manifest).check()
  } catch (error) {
    if (!isBorealError(error, 'snapshot_corrupt')) throw error
    findings.push(damage(messageOf(error)))
  }
  return findings
}

function adviceFor({ known }: DoctorContext, { id }: Snapshot): Pick<Finding, 'safe' | 'next'> {
  const others = { ...known, snapshots: known.snapshots.filter((each) => each.id !== id) }
  const other = newestUsable(others, 0)
  return {
    safe:
      other === undefined
        ? 'Nodes start from the whole log.'
        : `Nodes start from snapshot ${other.id} (LSN ${other.lsn}), or from the whole log.`,
    next: 'boreal snapshot now --check takes another one if the newest is damaged. Look at the disk or the bucket.',
  }
}

/** The log is the witness: it must have the entry that the snapshot ends with, unless that was trimmed. */
async function strangeToLog(
  { log, known, storeId }: DoctorContext,
  { id, lsn, manifest, state }: Snapshot,
): Promise<Finding | undefined> {
  if (await isKnownToLog(log, manifest!)) return undefined
  const slot = await log.slot(lsn)
  const key = snapshotKey(storeId, id, '').slice(0, -1)
  if (slot !== undefined) {
    return {
      ...{ severity: 'damage', lsn, key, what: 'the log has another entry at its LSN, by the hash' },
      safe: 'No store starts from it.',
      next: 'If the log is whole (above), the snapshot is of another history: keep it and find out where it comes from.',
    }
  }
  if (lsn <= known.trimmedTo) return undefined
  return {
    ...{ severity: state === 'verified' ? 'damage' : 'warning', lsn, key },
    what: 'the log has no entry at its LSN: entries that were durable are gone',
    safe: 'The snapshot is what is left of them: do not delete it.',
    next: 'Is this the right table? See "The log ends before a snapshot" in docs/operations.md.',
  }
}

async function isMarkReadable({ objects, storeId }: DoctorContext, { id, deletion }: Snapshot): Promise<boolean> {
  if (deletion !== undefined) return true
  try {
    decodeDocument(deletionSchema, await objects!.get(snapshotKey(storeId, id, DELETION)), { storeId, snapshotId: id })
    return true
  } catch (error) {
    if (isBorealError(error, 'not_found')) return true
    if (isBorealError(error, 'snapshot_corrupt')) return false
    throw error
  }
}
