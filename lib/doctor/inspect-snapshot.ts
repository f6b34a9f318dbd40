import { BorealError, isBorealError } from '../model/errors.ts'
import { findSnapshot, type Snapshot } from '../snapshot/catalog.ts'
import { imageParts } from '../snapshot/image-object.ts'
import type { Source } from './context.ts'

/**
 * One snapshot by its documents; `check` reads its whole image, too.
 *
 * @throws BorealError `not_found`, `not_available` for a source without objects
 */
export async function inspectSnapshot({ objects, storeId }: Source, id: string, check = false): Promise<Snapshot> {
  if (objects === undefined) throw new BorealError('not_available', 'an export of the log has no snapshots')
  const snapshot = await findSnapshot(objects, storeId, id)
  if (snapshot === undefined) throw new BorealError('not_found', `there is no snapshot ${id} of store ${storeId}`)
  if (!check || snapshot.manifest === undefined || snapshot.state === 'damaged') return snapshot
  try {
    await imageParts(objects, snapshot.manifest).check()
    return snapshot
  } catch (error) {
    if (!isBorealError(error, 'snapshot_corrupt')) throw error
    return { ...snapshot, state: 'damaged', why: error.message }
  }
}
