import type { LogMark } from '../log/chain.ts'
import { LogTrimmed } from '../log/corrupt-entry.ts'
import type { Log } from '../log/log.ts'
import { BorealError } from '../model/errors.ts'
import type { ObjectStore } from '../objects/object-store.ts'
import { snapshots } from '../snapshot/catalog.ts'

/**
 * Where the empty store stands, from which the whole log leads on: the last resort of a start.
 *
 * @throws BorealError `not_ready` when the log does not begin there any more: says what is missing, and what to do
 */
export async function emptyStoreOf(log: Log, objects: ObjectStore | undefined): Promise<LogMark> {
  try {
    return await log.emptyStore()
  } catch (error) {
    if (!(error instanceof LogTrimmed)) throw error
    const trimmedTo = Math.max(log.startsAt, await log.trimmedTo())
    const begins =
      log.startsAt > 0
        ? `begins at LSN ${log.startsAt}, where it left its parent`
        : `was trimmed up to LSN ${trimmedTo}`
    const found = objects === undefined ? 0 : await countOf(objects, log.storeId)
    const missing =
      found === 0
        ? 'the objects hold no snapshot of it: were they lost, or is this another bucket? Name the right one, or put them back.'
        : `none of its ${found} snapshots can be used (the reasons are in the log of this node, level warn).`
    throw new BorealError(
      'not_ready',
      `the log of store ${log.storeId} ${begins}, so a snapshot is needed to start, and ${missing} From a backup: ` +
        'boreal restore --from newest --from-bucket NAME, which keeps what the table has behind it; see "The bucket is ' +
        'gone" in docs/operations.md.',
      { cause: error },
    )
  }
}

async function countOf(objects: ObjectStore, storeId: string): Promise<number> {
  let count = 0
  try {
    for await (const _ of snapshots(objects, storeId)) count++
  } catch {
    // They cannot be listed either.
  }
  return count
}
