import { ResourceNotFoundException, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { BorealError } from '../model/errors.ts'
import { deleteItem, getItem, type Item, putIfAbsent, putOver, type TableContext } from './dynamo-items.ts'
import { registryKey } from './keys.ts'
import type { Registration } from './registration.ts'
import type { SealReason } from './seal.ts'

/** Which store a name means. The items decide; the list of names beside them only says which ones to look at. */

/** Every table has it, or may have: it is looked for whether or not it is in the list of names. */
const MAIN = 'main'

/** Key of the list of names; no name is empty. */
const NAMES = registryKey('')

/** @throws BorealError `log_unavailable` when there is no table */
export async function findRegistration(context: TableContext, name: string): Promise<Registration | undefined> {
  try {
    const item = await getItem(context, registryKey(name))
    return item?.store?.S === undefined ? undefined : registrationOf(name, item)
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error
    throw new BorealError(
      'log_unavailable',
      `there is no table ${JSON.stringify(context.table)}: deploy the stack, or start with --create-table`,
      { cause: error },
    )
  }
}

/** All of them, by name. */
export async function listRegistrations(context: TableContext): Promise<Registration[]> {
  const listed = (await getItem(context, NAMES))?.names?.SS ?? []
  const found = await Promise.all([...new Set([MAIN, ...listed])].sort().map((name) => findRegistration(context, name)))
  return found.filter((registration) => registration !== undefined)
}

/** False when the name means a store already. */
export async function addRegistration(context: TableContext, registration: Registration): Promise<boolean> {
  await listName(context, registration.name, 'add')
  return putIfAbsent(context, itemOf(registration))
}

/** Lets a name mean another store than `storeId`; false when it does not mean that one. */
export function replaceRegistration(
  context: TableContext,
  registration: Registration,
  storeId: string,
): Promise<boolean> {
  return putOver(context, itemOf(registration), storeId)
}

/**
 * Forgets what a name means, if that is this store. A name that was taken stays in the list: somebody may take it again
 * at this moment, and a name that means nothing costs a look.
 */
export async function removeRegistration(context: TableContext, { name, storeId }: Registration): Promise<boolean> {
  const removed = await deleteItem(context, registryKey(name), storeId)
  if (name.endsWith(`@${storeId}`)) await listName(context, name, 'delete')
  return removed
}

async function listName({ client, table }: TableContext, name: string, action: 'add' | 'delete'): Promise<void> {
  if (name === MAIN) return
  await client.send(
    new UpdateItemCommand({
      TableName: table,
      Key: { pk: { S: NAMES }, sk: { N: '0' } },
      UpdateExpression: `${action} #names :name`,
      ExpressionAttributeNames: { '#names': 'names' },
      ExpressionAttributeValues: { ':name': { SS: [name] } },
    }),
  )
}

function itemOf({ name, storeId, state, createdMs, startsAt, origin, ended }: Registration): Item {
  return {
    pk: { S: registryKey(name) },
    sk: { N: '0' },
    store: { S: storeId },
    state: { S: state },
    createdMs: { N: String(createdMs) },
    ...(startsAt === 0 ? {} : { startsAt: { N: String(startsAt) } }),
    ...(origin === undefined
      ? {}
      : { kind: { S: origin.kind }, parent: { S: origin.storeId }, parentLsn: { N: String(origin.lsn) } }),
    ...(ended === undefined ? {} : { endedBecause: { S: ended.because }, endedMs: { N: String(ended.atMs) } }),
  }
}

function registrationOf(name: string, item: Item): Registration {
  const s = (attribute: string) => item[attribute]?.S
  const n = (attribute: string) => Number(item[attribute]?.N ?? 0)
  const [kind, parent, because] = [s('kind'), s('parent'), s('endedBecause')]
  return {
    name,
    storeId: s('store')!,
    state: (s('state') ?? 'open') as Registration['state'],
    createdMs: n('createdMs'),
    startsAt: n('startsAt'),
    ...(parent === undefined
      ? {}
      : { origin: { kind: kind === 'restore' ? kind : 'clone', storeId: parent, lsn: n('parentLsn') } }),
    ...(because === undefined ? {} : { ended: { because: because as SealReason, atMs: n('endedMs') } }),
  }
}
