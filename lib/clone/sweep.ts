import type { Registration } from '../log/registration.ts'
import { messageOf } from '../model/errors.ts'
import type { StoresContext } from './context.ts'

export interface SweepSettings {
  /** Ms between the deletion of a store and that of its objects: whoever reads them can end. */
  graceMs: number
  /**
   * Ms until its slots go. A writer that slept believes in an empty slot for as long as a day without asking; so it must be
   * far more, like that of tombstones.
   */
  slotsMs: number
  /** Ms after which nobody can still be at work on a store that is being made. */
  makingMs: number
}

const HOUR_MS = 60 * 60 * 1_000

export const SWEEP_SETTINGS: SweepSettings = { graceMs: HOUR_MS, slotsMs: 35 * 24 * HOUR_MS, makingMs: 24 * HOUR_MS }

type SweepContext = Pick<StoresContext, 'stores' | 'objects' | 'logger'> & {
  /** Ends the sweep between two deletions. */
  signal?: AbortSignal | undefined
}

/**
 * Deletes what is left of stores that were deleted, and of those whose making was stopped. Each is looked at again before:
 * what a name means is not touched. May be stopped anywhere, and several at once are harmless.
 *
 * @returns ids of the stores of which something was deleted
 */
export async function sweepStores(
  context: SweepContext,
  { graceMs, slotsMs, makingMs }: SweepSettings = SWEEP_SETTINGS,
): Promise<string[]> {
  const { stores, logger, signal } = context
  const all = await stores.list()
  const named = new Set(all.filter(({ name }) => !name.includes('@')).map(({ storeId }) => storeId))
  const swept: string[] = []
  for (const noted of all) {
    const { name, storeId, state, ended, createdMs } = noted
    if (!name.endsWith(`@${storeId}`)) continue
    signal?.throwIfAborted()
    try {
      if (named.has(storeId)) {
        // It was completed, or its deletion was not.
        if (state === 'making') await stores.remove(noted)
      } else if (state === 'making') {
        if (stores.now() - createdMs < makingMs) continue
        await deleteStore(context, noted)
        await stores.remove(noted)
        swept.push(storeId)
      } else if (ended?.because === 'deleted' && stores.now() - ended.atMs >= graceMs) {
        if ((await deleteObjects(context, storeId)) > 0) swept.push(storeId)
        if (stores.now() - ended.atMs < slotsMs) continue
        await stores.purge(storeId, noted.startsAt, signal)
        await stores.remove(noted)
        swept.push(storeId)
      }
    } catch (error) {
      if (signal?.aborted) throw error
      logger.warn('a store could not be swept; the next round tries again', { store: storeId, error: messageOf(error) })
    }
  }
  if (swept.length > 0) logger.info('deleted what was left of stores', { stores: swept })
  return swept
}

/** Everything of a store that no name means and nobody ever wrote to. */
export async function deleteStore(
  context: Pick<SweepContext, 'stores' | 'objects' | 'signal'>,
  { storeId, startsAt }: Registration,
): Promise<void> {
  await deleteObjects(context, storeId)
  await context.stores.purge(storeId, startsAt, context.signal)
}

async function deleteObjects(
  { objects, signal }: Pick<SweepContext, 'objects' | 'signal'>,
  storeId: string,
): Promise<number> {
  let deleted = 0
  for (
    let page = await objects.list(`${storeId}/`);
    page.objects.length > 0;
    page = await objects.list(`${storeId}/`)
  ) {
    // Documents sort behind the parts of an image; without them nobody takes what is left for a snapshot.
    for (const { key } of page.objects.reverse()) {
      signal?.throwIfAborted()
      await objects.delete(key)
    }
    deleted += page.objects.length
  }
  return deleted
}
