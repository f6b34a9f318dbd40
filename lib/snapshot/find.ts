import { BorealError, isBorealError } from '../model/errors.ts'
import type { ObjectReads } from '../objects/object-store.ts'
import { findSnapshot, type Snapshot } from './catalog.ts'
import { imageParts } from './image-object.ts'

/**
 * One snapshot; `check` reads its whole image and looks whether it is what the manifest says.
 *
 * @throws BorealError `not_found`
 */
export async function checkedSnapshot(
  objects: ObjectReads,
  storeId: string,
  id: string,
  check = false,
): Promise<Snapshot> {
  const snapshot = await findSnapshot(objects, storeId, id)
  if (snapshot === undefined) throw new BorealError('not_found', `there is no snapshot ${id}; boreal snapshot list`)
  if (!check || snapshot.manifest === undefined || snapshot.state === 'damaged') return snapshot
  try {
    await imageParts(objects, snapshot.manifest).check()
    return snapshot
  } catch (error) {
    if (!isBorealError(error, 'snapshot_corrupt')) throw error
    return { ...snapshot, state: 'damaged', why: error.message }
  }
}
