import { BorealError } from '../model/errors.ts'
import type { Snapshot } from '../snapshot/catalog.ts'
import { checkedSnapshot } from '../snapshot/find.ts'
import type { Source } from './context.ts'

/**
 * One snapshot of a source by its documents; `check` reads its whole image, too.
 *
 * @throws BorealError `not_found`, `not_available` for a source without objects
 */
export async function inspectSnapshot({ objects, storeId }: Source, id: string, check = false): Promise<Snapshot> {
  if (objects === undefined) throw new BorealError('not_available', 'an export of the log has no snapshots')
  return checkedSnapshot(objects, storeId, id, check)
}
