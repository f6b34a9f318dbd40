import { afterAll, expect, test } from 'vitest'
import { createClone } from '../../lib/clone/create.ts'
import { deleteClone } from '../../lib/clone/delete.ts'
import { restoreStore } from '../../lib/clone/restore.ts'
import { planRestore } from '../../lib/clone/restore-plan.ts'
import { SWEEP_SETTINGS, sweepStores } from '../../lib/clone/sweep.ts'
import type { TableContext } from '../../lib/log/dynamo-items.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { StoresBed, write } from '../support/clones.ts'
import { startTable } from '../support/embedded-table.ts'
import { saveTask } from '../support/requests.ts'

/** Wherever who makes, deletes or restores a store is stopped, nothing serves that is not whole, and the next try completes. */

const { endpoint } = await startTable(afterAll)
const MINUTE = 60_000

/** The process ended here: nothing it asks for happens any more. */
class Killed extends Error {}

/**
 * Ends whoever works with this bed's objects and this table at one of his requests: it is done, and he does not learn of
 * it. Before the next one would be the same to everybody else.
 */
class Killer {
  requests = 0
  dead = false
  readonly #last: number

  constructor(bed: StoresBed, { client }: TableContext, last: number) {
    this.#last = last
    bed.objects.fault = { before: () => this.#before(), after: () => this.#after() }
    client.middlewareStack.add(
      (next) => async (args) => {
        this.#before()
        const result = await next(args)
        this.#after()
        return result
      },
      { step: 'initialize', name: 'killer' },
    )
  }

  #before(): void {
    if (this.dead) throw new Killed()
  }

  #after(): void {
    if (!this.dead && this.requests++ === this.#last) this.dead = true
    if (this.dead) throw new Killed()
  }
}

/** No pauses between the tries of a process that is dead. */
function impatient(bed: StoresBed): TableContext {
  const context = bed.tableContext()
  return { ...context, runtime: { ...context.runtime, sleep: async () => undefined } }
}

async function parent() {
  const bed = await StoresBed.open(endpoint)
  const node = await bed.node('main', { pollMs: 60_000 })
  await write(node, [saveTask('t-1')], 'key')
  await takeSnapshot(await bed.cloneContext())
  await write(node, [saveTask('t-2')])
  return { bed, node }
}

test('a clone that is stopped at any request is not there, or whole; the next try makes it, and a sweep leaves only that', {
  timeout: 10 * MINUTE,
}, async () => {
  const { bed } = await parent()
  const stores = bed.stores()
  const healthy = await bed.cloneContext()
  let killed = 0
  for (let last = 0, done = false; !done; last++) {
    const name = `at-${last}`
    const table = impatient(bed)
    const context = await bed.cloneContext('main', table)
    const killer = new Killer(bed, table, last)
    const outcome = await createClone(context, { name }).catch((error: unknown) => error)
    done = !killer.dead
    bed.objects.fault = {}
    const found = await stores.find(name)
    if (killer.dead) killed++
    // One that the name means is whole, whether or not its maker learned of it.
    if (found === undefined) {
      expect(outcome).toBeInstanceOf(Error)
      await createClone(healthy, { name })
    } else if (killer.dead)
      await expect(createClone(healthy, { name })).rejects.toMatchObject({ code: 'already_exists' })
    const { storeId, state, startsAt } = (await stores.find(name))!
    expect([state, startsAt]).toEqual(['open', 1])
    expect(await stores.events(storeId).get(2)).toMatchObject({ storeId })
  }
  expect(killed).toBeGreaterThan(15)
  for (const name of ['at-0', `at-${killed - 2}`, `at-${killed}`]) {
    const node = await bed.node(name)
    expect([node.tailLsn, await write(node, [saveTask('t-3')], 'key')]).toEqual([2, 3])
  }
  // Too young to be swept: somebody may still be at work.
  const { logger, objects } = healthy
  expect(await sweepStores({ stores, objects, logger })).toEqual([])
  await sweepStores({ stores, objects, logger }, { ...SWEEP_SETTINGS, makingMs: -1 })
  const known = await stores.list()
  expect(known.map(({ state }) => state)).toEqual(known.map(() => 'open'))
  const withObjects = new Set((await allKeys(bed)).map((key) => key.split('/')[0]))
  expect([...withObjects].sort()).toEqual(known.map(({ storeId }) => storeId).sort())
})

test('a deletion that is stopped at any request is completed by the next one, and nobody writes in between', {
  timeout: 5 * MINUTE,
}, async () => {
  const { bed } = await parent()
  const stores = bed.stores()
  const healthy = await bed.cloneContext()
  for (let last = 0, done = false; !done; last++) {
    const name = `at-${last}`
    const { storeId } = await createClone(healthy, { name })
    const context = impatient(bed)
    const killer = new Killer(bed, context, last)
    await deleteClone({ stores: bed.stores(context), runtime: context.runtime }, name).catch(() => undefined)
    done = !killer.dead
    bed.objects.fault = {}
    if ((await stores.find(name)) !== undefined) {
      if ((await stores.find(name))!.state === 'sealed') {
        await expect(bed.node(name)).rejects.toMatchObject({ code: 'not_ready', message: /clone delete/ })
      }
      await deleteClone({ stores, runtime: context.runtime }, name)
    }
    expect(await stores.find(name)).toBeUndefined()
    expect(await stores.events(storeId).get(3)).toMatchObject({ codec: 'seal' })
    expect(await stores.find(`${name}@${storeId}`)).toMatchObject({ state: 'sealed', ended: { because: 'deleted' } })
  }
})

test('a restore that is stopped at any request is completed by the next one, and loses nothing', {
  timeout: 10 * MINUTE,
}, async () => {
  let killed = 0
  const { bed, node } = await parent()
  const { digest } = await node.digest()
  const healthy = await bed.storesContext()
  // Each restore replaces the store of the one before.
  for (let last = 0, done = false; !done; last++) {
    const context = impatient(bed)
    const killer = new Killer(bed, context, last)
    const stopped = { ...(await bed.storesContext(context)), stores: bed.stores(context) }
    const plan = planRestore(stopped, { name: 'main', from: 'newest' })
    await plan.then((made) => restoreStore(stopped, made)).catch(() => undefined)
    done = !killer.dead
    bed.objects.fault = {}
    if (killer.dead) killed++
    const restored = await restoreStore(healthy, await planRestore(healthy, { name: 'main', from: 'newest' }))
    expect(restored).toMatchObject({ lsn: 2, stoppedBy: undefined })
  }
  expect(killed).toBeGreaterThan(15)
  expect(await (await bed.node()).digest()).toEqual({ lsn: 2, digest })
})

async function allKeys(bed: StoresBed): Promise<string[]> {
  const keys: string[] = []
  for (let after: string | undefined; ; ) {
    const page = await bed.objects.list('', after === undefined ? {} : { after })
    keys.push(...page.objects.map(({ key }) => key))
    if (page.next === undefined) return keys
    after = page.next
  }
}
