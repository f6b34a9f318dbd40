import { describe, expect, test } from 'vitest'
import { migrateStore } from '../../lib/migrate/migrate-store.ts'
import { newestVerified } from '../../lib/snapshot/catalog.ts'
import { takeSnapshot } from '../../lib/snapshot/take.ts'
import { verifySnapshot } from '../../lib/snapshot/verify.ts'
import { schemaChecksumOf } from '../../lib/store/migrations.ts'
import { memoryNode } from '../support/memory-node.ts'
import { quota } from '../support/records.ts'
import { as, request } from '../support/requests.ts'
import { listed, RecordingLogger, snapshotContext, temporaryObjects } from '../support/snapshots.ts'
import { entriesOf } from '../support/state.ts'
import { fixtures, placed, readFixture } from './fixtures.ts'
import { digestAt, imageAt, MIGRATIONS, SCHEMA, storeAt } from './stores.ts'

/** What builds of every schema have left behind is restored by this one, and what this one leaves by those before it. */

const MINUTE = 60_000

test('there is a fixture of every schema', () => {
  expect(fixtures(), 'npm run goldens adds that of the newest').toEqual(MIGRATIONS.map(({ number }) => number))
})

async function laidOut(schema: number) {
  const fixture = readFixture(schema)
  const objects = await temporaryObjects()
  const table = await placed(fixture, objects)
  return { objects, state: fixture.state, store: { table, storeId: fixture.log.storeId } }
}

/** A node that starts on it, and what it said. */
async function started({ objects, store }: Awaited<ReturnType<typeof laidOut>>, schema = SCHEMA) {
  const logger = new RecordingLogger()
  const { node } = await memoryNode({ ...store, objects, logger, image: await imageAt(schema) })
  const warnings = logger.lines.filter(({ level }) => level === 'warn' || level === 'error')
  return { node, logger, warnings, migrated: logger.with('migrated a store') }
}

describe.each(fixtures())('what a build of schema %i left', { timeout: 2 * MINUTE }, (schema) => {
  test('starts from its snapshot, migrated, with the state of a store that replayed all of its log', async () => {
    const old = await laidOut(schema)
    const { node, logger, warnings, migrated } = await started(old)
    expect(warnings).toEqual([])
    expect(logger.with('restoring a snapshot')).toMatchObject([{ lsn: old.state.snapshotLsn }])
    expect(migrated).toMatchObject(schema === SCHEMA ? [] : [{ from: schema, to: SCHEMA }])
    const replayed = (await memoryNode(old.store)).node
    expect(await node.digest()).toEqual(await replayed.digest())
    expect((await node.digest()).lsn).toBe(old.state.lsn)
    // And it is written to.
    await node.submit(request([{ op: 'saveQuota', role: 'after', quota: quota(1) }]), as('p'))
    expect(await replayed.confirm()).toBe(old.state.lsn + 1)
    expect(await node.digest()).toEqual(await replayed.digest())
  })

  test('gives by the rules of its schema what it gave then', async () => {
    const { store, state } = await laidOut(schema)
    const { log } = await snapshotContext(store, await temporaryObjects())
    const replayed = await storeAt(schema, await log.genesis())
    await replayed.apply(await entriesOf(log))
    expect(await digestAt(replayed, schema)).toBe(state.digest)
  })

  test('is verified as it is, and replaced by a snapshot of today, from which stores start', async () => {
    const old = await laidOut(schema)
    const context = await snapshotContext(old.store, old.objects)
    const newest = (await newestVerified(old.objects, old.store.storeId))!
    await verifySnapshot(context, newest.manifest!)
    const damaged = { ...newest.manifest!, digest: 'ab'.repeat(32) }
    await expect(verifySnapshot(context, damaged)).rejects.toMatchObject({ code: 'snapshot_corrupt' })
    expect(await takeSnapshot(context)).toMatchObject({ made: true, lsn: old.state.lsn })
    const [taken] = await listed(old.objects, old.store.storeId)
    expect(taken).toMatchObject({ state: 'verified', manifest: { schemaVersion: SCHEMA } })
    const { node, migrated } = await started(old)
    expect(migrated).toEqual([])
    expect((await node.digest()).digest).toBe(taken!.manifest!.digest)
    expect(await takeSnapshot(context)).toMatchObject({ made: false })
  })
})

describe('what this build left', { timeout: 2 * MINUTE }, () => {
  test('is started from by the build before it, which follows and writes', async () => {
    const now = await laidOut(SCHEMA)
    const { node, warnings, migrated } = await started(now, SCHEMA - 1)
    expect(warnings).toEqual([])
    expect(migrated).toMatchObject([{ from: SCHEMA, to: SCHEMA - 1, scripts: ['0004_resources/down.sql'] }])
    const { node: replayed } = await memoryNode({ ...now.store, image: await imageAt(SCHEMA - 1) })
    expect(await node.digest()).toEqual(await replayed.digest())
    expect(node.schemaVersion).toBe(SCHEMA - 1)
    // Side by side: each takes what the other writes.
    const { node: newer } = await started(now)
    await node.submit(request([{ op: 'saveQuota', role: 'old', quota: quota(1) }]), as('p'))
    await newer.submit(request([{ op: 'saveQuota', role: 'new', quota: quota(2) }]), as('p'))
    expect(await node.confirm()).toBe(await newer.confirm())
    expect((await node.digest()).lsn).toBe(now.state.lsn + 2)
  })

  test('is not started from by a build that cannot read its log, which says so', async () => {
    const now = await laidOut(SCHEMA)
    const logger = new RecordingLogger()
    const starts = memoryNode({ ...now.store, objects: now.objects, logger, image: await imageAt(2) })
    await expect(starts).rejects.toThrow()
    const [first] = logger.with('a store could not be booted')
    expect(first!.error).toMatch(/^0003_format\/down\.sql line 2: the store was finalized to format 2, which builds of/)
  })

  test('of what was not finalized, goes down to any schema', async () => {
    for (const schema of [2, 3]) {
      const old = await laidOut(2)
      const context = await snapshotContext(old.store, old.objects)
      await takeSnapshot(context)
      const { node, migrated } = await started(old, schema)
      expect(migrated).toMatchObject([{ from: SCHEMA, to: schema }])
      const { node: replayed } = await memoryNode({ ...old.store, image: await imageAt(schema) })
      expect(await node.digest()).toEqual(await replayed.digest())
    }
  })
})

test('a snapshot whose migration fails is passed over for the next one, and at last the log', {
  timeout: 2 * MINUTE,
}, async () => {
  const old = await laidOut(2)
  const base = await imageAt(SCHEMA)
  const broken = MIGRATIONS.map((each) =>
    each.number === 4 ? { ...each, postRestore: 'select 1;\nselect 1 / 0' } : each,
  )
  const logger = new RecordingLogger()
  const { node } = await memoryNode({
    ...old.store,
    objects: old.objects,
    logger,
    image: { ...base, migrations: broken },
  })
  expect(logger.with('a store could not be booted')).toMatchObject([
    { error: '0004_resources/post-restore.sql line 2: division by zero (SQLSTATE 22012). Nothing of it was done' },
  ])
  expect(logger.with('trying the next image')).toMatchObject([{ image: 'the empty store' }])
  expect(await node.digest()).toEqual(await (await memoryNode(old.store)).node.digest())
})

test('a snapshot that was made by other migrations is passed over, of whatever schema', {
  timeout: 2 * MINUTE,
}, async () => {
  const edited = (number: number) =>
    MIGRATIONS.map((each) => (each.number === number ? { ...each, checksum: 'f'.repeat(64) } : each))
  const base = await imageAt(SCHEMA)
  const startedBy = async (schema: number, migrations: typeof MIGRATIONS) => {
    const old = await laidOut(schema)
    const logger = new RecordingLogger()
    const schemaVersion = migrations.length
    const image = { ...base, schemaVersion, schemaChecksum: schemaChecksumOf(migrations), migrations }
    await memoryNode({ ...old.store, objects: old.objects, logger, image })
    return logger
  }
  const older = await startedBy(2, edited(1))
  expect(older.with('a snapshot is passed over')).toMatchObject([
    { reason: 'its schema 2 was made by other migrations' },
  ])
  const same = await startedBy(SCHEMA, edited(4))
  expect(same.with('a snapshot is passed over')).toMatchObject([
    { reason: 'its schema 4 was made by other migrations' },
  ])
  // What a newer one is made of is seen when it has booted.
  const newer = await startedBy(SCHEMA, edited(3).slice(0, 3))
  expect(newer.with('a store could not be booted')).toMatchObject([
    { error: expect.stringMatching(/^migration 0003_format of the store is not 0003_format of this build/) },
  ])
})

test('the migrations of a store must be those of its manifest', { timeout: MINUTE }, async () => {
  const store = await storeAt(SCHEMA)
  const refusal = { code: 'migration_failed', message: /are not those of its manifest/ }
  await expect(migrateStore(store.engine, MIGRATIONS, { schemaChecksum: 'ab'.repeat(32) })).rejects.toMatchObject(
    refusal,
  )
})
