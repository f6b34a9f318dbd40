import { type HousekeepingLimits, isOverdue, nextSlice } from '../store/housekeeping.ts'
import { statement } from '../store/statement.ts'
import type { Store } from '../store/store.ts'

/** What came of a turn at keeping house. */
export type Housework =
  | { kind: 'nothing' }
  /** Something is needed, and others came first. */
  | { kind: 'put off' }
  | { kind: 'done'; sql: string }

/** Does the most urgent piece of maintenance: one, so that others get their turn before the next. */
export async function doSlice(
  store: Pick<Store, 'run'>,
  limits: HousekeepingLimits,
  isBusy: () => boolean,
): Promise<Housework> {
  const slice = await nextSlice(store, limits)
  if (slice === undefined) return { kind: 'nothing' }
  if (isBusy() && !isOverdue(slice)) return { kind: 'put off' }
  await store.run([statement(slice.sql)])
  return { kind: 'done', sql: slice.sql }
}
