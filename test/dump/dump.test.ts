import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCatalog } from '../../lib/dump/catalog.ts'
import { loadDump, openDump } from '../../lib/dump/load-dump.ts'
import { BEGIN, COMMIT, ROLLBACK, statement } from '../../lib/store/statement.ts'
import type { Store } from '../../lib/store/store.ts'
import { dumpOf, fill, freshEngine, heldBy, inChunks, replayed } from '../support/dumps.ts'
import { memoryNode } from '../support/memory-node.ts'

/** A dump loads into an engine, and what is loaded is the store that was dumped. */

const MINUTE = 60_000

describe('a store with a bit of everything', () => {
  const cleanups: (() => Promise<void>)[] = []
  let store: Store
  let dump: Buffer

  beforeAll(async () => {
    const { node } = await memoryNode({ cleanup: (work) => cleanups.unshift(work) })
    await fill(node)
    store = await replayed(node)
    dump = await dumpOf(store.engine)
  }, 2 * MINUTE)

  afterAll(async () => {
    await store.engine.kill()
    for (const work of cleanups) await work()
  })

  const catalogOf = async (engine: Store['engine']) => {
    await engine.run([BEGIN])
    const catalog = await readCatalog(engine)
    await engine.run([ROLLBACK])
    return catalog
  }

  test.each([1_000, 70_000, 100_000_000])('loaded in chunks of %i bytes, it is the same', async (size) => {
    const engine = await freshEngine()
    const header = await loadDump(engine, inChunks(dump, size))
    expect(header).toMatchObject({ storeId: 'store-of-the-test', lsn: store.mark.lsn, hash: store.mark.hash })
    const held = await heldBy(engine)
    expect(held.rows.task).toBeGreaterThan(0)
    expect(dump.includes('awkward')).toBe(true)
    expect(held.rows['boreal.idempotency']).toBeGreaterThan(10)
    expect(held).toEqual(await heldBy(store.engine))
    expect(await catalogOf(engine)).toEqual(await catalogOf(store.engine))
    await engine.kill()
  })

  test('equal stores give equal bytes: dumped again, and dumped from where it was loaded', async () => {
    expect((await dumpOf(store.engine)).equals(dump)).toBe(true)
    const engine = await freshEngine()
    await loadDump(engine, inChunks(dump, 10_000))
    expect((await dumpOf(engine)).equals(dump)).toBe(true)
    await engine.kill()
  })

  test('its halves load apart, with something done in between', async () => {
    const opened = await openDump(inChunks(dump, 5_000))
    const engine = await freshEngine()
    await engine.run([BEGIN, statement('drop schema boreal cascade'), statement('drop schema public cascade')])
    await engine.run([statement('create schema public')])
    await opened.loadSchema(engine)
    const [empty] = await engine.run([statement('select count(*) from task')])
    expect(empty!.rows[0]![0]!.toString()).toBe('0')
    await engine.run([statement('alter table task add column added int')])
    const rows = await opened.loadData(engine)
    await engine.run([COMMIT])
    const held = await heldBy(engine)
    expect(held).toEqual(await heldBy(store.engine))
    expect(rows.task ?? rows['public.task']).toBe(held.rows.task)
    await engine.kill()
  })

  test('a store is as it was when its dump is given up in the middle', async () => {
    const before = await heldBy(store.engine)
    const { dumpStore } = await import('../../lib/dump/write-dump.ts')
    const of = { storeId: 's', schemaVersion: 2, schemaChecksum: '', logFormat: 1 }
    let chunks = 0
    for await (const _ of dumpStore(store.engine, of)) if (++chunks === 40) break
    expect(await heldBy(store.engine)).toEqual(before)
    expect((await dumpOf(store.engine)).equals(dump)).toBe(true)
  })

  test('what a dump cannot hold is refused, not left out', async () => {
    const engine = await freshEngine()
    const things = [
      ['create sequence odd', 'odd'],
      ['create function odd() returns int language sql as $$ select 1 $$', 'odd()'],
      ['create schema odd', 'schema odd'],
      ['create table odd (a int)', 'odd without a primary key'],
      ['create table odd (a int primary key generated always as identity)', 'odd'],
    ]
    for (const [sql, named] of things) {
      await engine.run([BEGIN, statement(sql!)])
      await expect(readCatalog(engine), sql).rejects.toMatchObject({
        code: 'not_available',
        message: expect.stringContaining(named!),
      })
      await engine.run([ROLLBACK])
    }
    await engine.kill()
  })
})
