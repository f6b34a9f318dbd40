import { BorealError } from '../model/errors.ts'

/** A client that says which store it knows must not be answered by another one. @throws BorealError `store_changed` */
export function checkStore(expected: string | undefined, storeId: string): void {
  if (expected === undefined || expected === storeId) return
  throw new BorealError(
    'store_changed',
    `this is store ${storeId}, not ${expected}: it was cloned or restored. Cursors, LSNs and versions of the other ` +
      'store mean nothing here; read the state again.',
  )
}
