import { PutItemCommand } from '@aws-sdk/client-dynamodb'
import { afterAll, expect, test } from 'vitest'
import { createClone } from '../../lib/clone/create.ts'
import { deleteClone } from '../../lib/clone/delete.ts'
import { SWEEP_SETTINGS, sweepStores } from '../../lib/clone/sweep.ts'
import { toAttributes } from '../../lib/log/dynamo-item.ts'
import { genesisItem } from '../../lib/log/entry-codec.ts'
import type { BorealNode } from '../../lib/node/node.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { jsonOf } from '../../lib/store/result-set.ts'
import { statement } from '../../lib/store/statement.ts'
import { StoresBed, write } from '../support/clones.ts'
import { startTable } from '../support/embedded-table.ts'
import { saveTask } from '../support/requests.ts'

/** Clones of clones, beside each other, and their end. */

const { endpoint } = await startTable(afterAll)
const MINUTE = 60_000

async function tasksOf(node: BorealNode): Promise<string[]> {
  const names = statement('select json_agg(task_id order by task_id) from task')
  return jsonOf<string[]>((await node.read([names], { level: 'consistent' })).results[0]) ?? []
}

/** A clone of a store at its end, started, with one task more. */
async function cloneOf(bed: StoresBed, parent: string, name: string): Promise<BorealNode> {
  await createClone(await bed.cloneContext(parent), { name })
  const node = await bed.node(name)
  await write(node, [saveTask(`of ${name}`)])
  return node
}

test('clones three deep diverge, and go in any order without a trace in the others', {
  timeout: 3 * MINUTE,
}, async () => {
  const bed = await StoresBed.open(endpoint)
  const main = await bed.node()
  await write(main, [saveTask('of main')], 'key')
  await takeSnapshot(await bed.cloneContext())
  await cloneOf(bed, 'main', 'a')
  // One of a copied snapshot and entries, one with a snapshot of its own.
  await cloneOf(bed, 'a', 'b')
  await takeSnapshot(await bed.cloneContext('b'))
  await cloneOf(bed, 'b', 'c')
  await cloneOf(bed, 'a', 'beside b')
    .then(() => expect.unreachable())
    .catch((error) => expect(error).toMatchObject({ code: 'invalid_field' }))
  await cloneOf(bed, 'a', 'b2')
  await write(main, [saveTask('later, of main')])
  const expected: Record<string, string[]> = {
    main: ['later, of main', 'of main'],
    a: ['of a', 'of main'],
    b: ['of a', 'of b', 'of main'],
    b2: ['of a', 'of b2', 'of main'],
    c: ['of a', 'of b', 'of c', 'of main'],
  }
  const stores = bed.stores()
  const all = await stores.list()
  expect(all.map(({ name, origin }) => [name, all.find((each) => each.storeId === origin?.storeId)?.name])).toEqual([
    ['a', 'main'],
    ['b', 'a'],
    ['b2', 'a'],
    ['c', 'b'],
    ['main', undefined],
  ])
  const { logger, objects } = await bed.storesContext()
  const gone = { ...SWEEP_SETTINGS, graceMs: -1, slotsMs: -1 }
  for (const deleted of ['b', 'a', 'c']) {
    const { storeId } = (await stores.find(deleted))!
    await deleteClone({ stores, runtime: (await bed.storesContext()).runtime }, deleted)
    expect(await sweepStores({ stores, objects, logger }, gone)).toContain(storeId)
    expect((await objects.list(`${storeId}/`)).objects).toEqual([])
    const items = await stores.events(storeId).read(0)
    expect([items, await stores.has(storeId)]).toEqual([[], true])
    delete expected[deleted]
    for (const [name, tasks] of Object.entries(expected)) {
      const node = await bed.node(name)
      expect(await tasksOf(node), `${name} without ${deleted}`).toEqual(tasks)
      await node.close()
    }
  }
  expect((await stores.list()).map(({ name }) => name)).toEqual(['b2', 'main'])
})

test('a clone that is deleted takes no transaction any more, whoever serves it; its name is free at once', {
  timeout: 2 * MINUTE,
}, async () => {
  const bed = await StoresBed.open(endpoint)
  const main = await bed.node()
  await write(main, [saveTask('t')])
  const clone = await cloneOf(bed, 'main', 'test')
  const asleep = await bed.node('test', { pollMs: 60_000 })
  const { runtime } = await bed.storesContext()
  const stores = bed.stores()
  const would = await deleteClone({ stores, runtime }, 'test', { dryRun: true })
  expect(would).toEqual({ name: 'test', storeId: clone.storeId, dryRun: true })
  expect(await write(clone, [saveTask('still')])).toBe(3)
  expect(await deleteClone({ stores, runtime }, 'test')).toMatchObject({ lsn: 3 })
  for (const node of [clone, asleep]) {
    await expect(write(node, [saveTask('too late')])).rejects.toMatchObject({ code: 'store_changed' })
    await expect(node.read([], { level: 'consistent' })).rejects.toMatchObject({ code: 'store_changed' })
  }
  await cloneOf(bed, 'main', 'test')
  expect(await tasksOf(await bed.node('test'))).toEqual(['of test', 't'])
  for (const [name, code] of [
    ['main', 'constraint_violation'],
    ['nobody', 'not_found'],
    [`test@${clone.storeId}`, 'not_found'],
  ]) {
    await expect(deleteClone({ stores, runtime }, name!)).rejects.toMatchObject({ code })
  }
})

test('of two clones with one name one is made, and the other says whose it is; nothing of it stays', {
  timeout: 2 * MINUTE,
}, async () => {
  const bed = await StoresBed.open(endpoint)
  const main = await bed.node()
  await write(main, [saveTask('t')])
  const contexts = await Promise.all(Array.from({ length: 4 }, () => bed.cloneContext()))
  const outcomes = await Promise.allSettled(contexts.map((context) => createClone(context, { name: 'test' })))
  const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  expect(made).toHaveLength(1)
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue
    expect(outcome.reason).toMatchObject({ code: 'already_exists', message: new RegExp(made[0]!.storeId) })
  }
  expect((await bed.stores().list()).map(({ name }) => name)).toEqual(['main', 'test'])
  const nodes = await Promise.all(Array.from({ length: 3 }, () => bed.node('test')))
  expect(nodes.map(({ storeId }) => storeId)).toEqual(nodes.map(() => made[0]!.storeId))
})

test('a genesis that names another hash of the parent is refused, also where it agrees with itself', {
  timeout: 2 * MINUTE,
}, async () => {
  const bed = await StoresBed.open(endpoint)
  const main = await bed.node()
  await write(main, [saveTask('t')])
  await takeSnapshot(await bed.cloneContext())
  const { storeId } = await createClone(await bed.cloneContext(), { name: 'test' })
  const { client, table } = bed.tableContext()
  const overwrite = (item: Parameters<typeof toAttributes>[0]) =>
    client.send(new PutItemCommand({ TableName: table, Item: toAttributes(item) }))
  const genesis = (await bed.stores().events(storeId).get(1))!
  const hash = 'ab'.repeat(32)
  await overwrite({ ...genesis, prev: hash })
  await expect(bed.node('test')).rejects.toMatchObject({ code: 'log_corrupt', lsn: 1 })
  await expect((await bed.log('test')).genesis()).rejects.toMatchObject({ code: 'log_corrupt' })
  await overwrite(genesisItem(storeId, genesis.time, { kind: 'clone', storeId: main.storeId, lsn: 1, hash }))
  await (await bed.log('test')).genesis()
  await expect(bed.node('test')).rejects.toMatchObject({ code: 'not_ready' })
  await overwrite(genesis)
  expect(await tasksOf(await bed.node('test'))).toEqual(['t'])
})
