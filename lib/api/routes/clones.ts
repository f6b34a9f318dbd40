import * as z from 'zod'
import type { Registration } from '../../log/registration.ts'
import { BorealError } from '../../model/errors.ts'
import { lsn } from '../../model/scalars.ts'
import type { Route } from '../route.ts'
import { MOST_WAIT_MS, operation, startedAnswer } from './operations.ts'

const store = z.object({
  name: z.string().describe('name@storeId: no name means it, because it is being made or has ended'),
  storeId: z.string(),
  state: z.enum(['making', 'open', 'sealed']).describe('sealed: its log has ended, it takes no more transactions'),
  createdAt: z.int(),
  startsAt: lsn.describe('LSN at which its log begins'),
  origin: z
    .object({
      kind: z.enum(['clone', 'restore']),
      storeId: z.string().describe('the parent'),
      lsn: lsn.describe('the last entry that it has of its parent'),
    })
    .optional(),
  ended: z.object({ because: z.enum(['deleted', 'replaced']), at: z.int() }).optional(),
})

function storeAnswer({ createdMs, ended, ...rest }: Registration): z.infer<typeof store> {
  return {
    ...rest,
    createdAt: createdMs,
    ...(ended === undefined ? {} : { ended: { because: ended.because, at: ended.atMs } }),
  } as z.infer<typeof store>
}

const stores = z.object({ items: z.array(store) })

const listStores: Route = {
  method: 'GET',
  path: '/v1/stores',
  name: 'listStores',
  summary: 'Every store of the table: what names mean, and what is left of stores that have ended',
  scope: 'admin',
  query: z.strictObject({}),
  answer: stores,
  handle: async ({ node }) => ({ body: JSON.stringify({ items: (await node.clones.stores()).map(storeAnswer) }) }),
}

const listClones: Route = {
  method: 'GET',
  path: '/v1/clones',
  name: 'listClones',
  summary: 'The clones in the table, of whatever parent',
  scope: 'admin',
  query: z.strictObject({}),
  answer: stores,
  handle: async ({ node }) => ({ body: JSON.stringify({ items: (await node.clones.list()).map(storeAnswer) }) }),
}

const place = z
  .union([lsn, z.iso.datetime({ offset: true })])
  .describe('the last entry that the clone is to have, by LSN or by time; default: the newest')

const createClone: Route = {
  method: 'POST',
  path: '/v1/clones',
  name: 'createClone',
  summary:
    'Makes a clone of the store under a name of its own: what the store has up to a place of its log, independent from ' +
    'then on. A node with this name serves it',
  scope: 'admin',
  body: z.strictObject({ name: z.string(), at: place.optional() }),
  answer: store,
  accepted: operation,
  async handle({ node, body: { name, at } }) {
    const { clones, operations } = node
    const where = typeof at === 'number' ? { atLsn: at } : at === undefined ? {} : { atTime: Date.parse(at) }
    const work = async () => storeAnswer(await clones.create({ name, ...where }))
    return startedAnswer(await operations.run('clone', MOST_WAIT_MS, work, { name: JSON.stringify([name, at]) }))
  },
}

const deleteClone: Route = {
  method: 'DELETE',
  path: '/v1/clones/{name}',
  name: 'deleteClone',
  summary:
    'Deletes a clone: its log ends, its name is free, and what it has in table and bucket goes after a time of grace. ' +
    'With dryRun=true only says what would go; else confirm=true is needed',
  scope: 'admin',
  params: z.strictObject({ name: z.string() }),
  query: z.strictObject({
    dryRun: z.enum(['true', 'false']).optional(),
    confirm: z.enum(['true', 'false']).optional(),
  }),
  answer: z.object({
    name: z.string(),
    storeId: z.string(),
    lsn: lsn.optional().describe('the last entry that it had'),
    dryRun: z.boolean(),
  }),
  async handle({ node, params: { name }, query }) {
    const { clones } = node
    const dryRun = query.dryRun === 'true'
    const would = await clones.delete(name, { dryRun: true })
    if (dryRun) return { body: JSON.stringify(would) }
    if (query.confirm !== 'true') {
      throw new BorealError(
        'confirmation_required',
        `this deletes the clone ${name} (store ${would.storeId}) with everything that was written to it; its parent and ` +
          'clones of it stay. Send confirm=true',
      )
    }
    return { body: JSON.stringify(await clones.delete(name, {})) }
  },
}

export const cloneRoutes = [listStores, listClones, createClone, deleteClone]
