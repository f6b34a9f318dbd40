import { asideName, type Registration } from '../log/registration.ts'
import { sealLog } from '../log/seal.ts'
import { BorealError } from '../model/errors.ts'
import type { StoresContext } from './context.ts'

export interface DeletedClone {
  name: string
  storeId: string
  /** The last entry that it had; absent when nothing was done. */
  lsn?: number | undefined
  dryRun: boolean
}

/**
 * Deletes a clone: first its log ends, so that whoever still serves it takes no transaction that would be lost, then its
 * name is free. What it has in table and bucket goes later (`sweepStores`). Stopped on the way, it is completed by being
 * asked for again. The parent, and clones of it, are no part of this.
 *
 * @throws BorealError `not_found`, `constraint_violation` for a store that is no clone
 */
export async function deleteClone(
  context: Pick<StoresContext, 'stores' | 'runtime'>,
  name: string,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<DeletedClone> {
  const { stores, runtime } = context
  const registration = await stores.find(name)
  if (registration === undefined || name.includes('@')) {
    throw new BorealError('not_found', `there is no clone ${JSON.stringify(name)}; boreal clone list`)
  }
  const { storeId, startsAt, origin } = registration
  if (origin?.kind !== 'clone') {
    throw new BorealError('constraint_violation', `${JSON.stringify(name)} is no clone: only clones are deleted`)
  }
  if (dryRun) return { name, storeId, dryRun }
  const because = 'deleted' as const
  const ended: Registration = {
    ...registration,
    state: 'sealed',
    ended: registration.ended ?? { because, atMs: Math.round(stores.now()) },
  }
  // In this order: nobody starts it any more, nobody writes to it, it is noted for deletion, its name is free.
  const gone = () => new BorealError('not_found', `${JSON.stringify(name)} means another store by now`)
  if (!(await stores.replace(ended, storeId))) throw gone()
  const last = await sealLog(stores.events(storeId), { storeId, from: startsAt, because, runtime })
  await stores.add({ ...ended, name: asideName(name, storeId) })
  await stores.remove(registration)
  return { name, storeId, lsn: last?.lsn, dryRun }
}
