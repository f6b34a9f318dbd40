import { expect, test } from 'vitest'
import { memoryNode } from '../support/memory-node.ts'
import { temporaryObjects } from '../support/snapshots.ts'
import { READ_TOKEN, serveNode } from '../support/test-api.ts'
import { placed, readFixture } from './fixtures.ts'
import { imageAt, MIGRATIONS, SCHEMA } from './stores.ts'

/** What migrating would do is said by the API, for which it is really done, and nothing is changed. */

const MINUTE = 60_000

async function apiOn(schema: number, build = SCHEMA) {
  const fixture = readFixture(schema)
  const objects = await temporaryObjects()
  const table = await placed(fixture, objects)
  const image = await imageAt(build)
  const { node } = await memoryNode({ table, storeId: fixture.log.storeId, objects, image })
  const manifest = JSON.parse(fixture.documents['manifest.json']!)
  return { node, api: await serveNode(node), snapshotId: manifest.snapshotId, lsn: manifest.lsn, objects }
}

test('the status has the migrations, and what a restore of each snapshot would do', {
  timeout: 2 * MINUTE,
}, async () => {
  const { node, api, snapshotId, lsn } = await apiOn(2)
  expect((await api.as(READ_TOKEN).get('/v1/migrations')).status).toBe(403)
  const { body } = await api.get('/v1/migrations')
  expect(body.schemaVersion).toBe(SCHEMA)
  expect(body.migrations).toEqual(
    MIGRATIONS.map(({ number, name, checksum, preRestore }) => ({
      ...{ number, name, checksum, applied: true },
      preRestore: preRestore !== undefined,
    })),
  )
  expect(body.migrations.filter(({ preRestore }: { preRestore: boolean }) => preRestore)).toHaveLength(1)
  const scripts = ['0003_format/post-restore.sql', '0004_resources/pre-restore.sql', '0004_resources/post-restore.sql']
  expect(body.snapshots).toEqual([{ snapshotId, lsn, schemaVersion: 2, restore: 'up', scripts }])
  // Once there is one of today, it is used as it is.
  await node.snapshots.take()
  const { snapshots } = (await api.get('/v1/migrations?limit=1')).body
  expect(snapshots).toMatchObject([{ schemaVersion: SCHEMA, restore: 'as it is', scripts: [] }])
})

test('a plan says what was run on a copy, with rows and times, up and down', { timeout: 2 * MINUTE }, async () => {
  const { node, api, snapshotId, lsn, objects } = await apiOn(2)
  const before = (await objects.list('')).objects
  const plan = (body: object) => api.send('POST', '/v1/migrations/plan', body)
  const { body: up, headers } = await plan({})
  expect(up).toMatchObject({ snapshotId, lsn, from: 2, to: SCHEMA })
  const rows = Object.fromEntries(up.scripts.map((run: { name: string; rows: number }) => [run.name, run.rows]))
  expect(Object.keys(rows)).toEqual([
    '0003_format/post-restore.sql',
    '0004_resources/pre-restore.sql',
    '0004_resources/post-restore.sql',
  ])
  for (const { ms, statements } of up.scripts) {
    expect(ms).toBeGreaterThanOrEqual(0)
    expect(statements).toBeGreaterThan(0)
  }
  expect(up.rowsBefore.task).toBeGreaterThan(0)
  expect(up.rowsBefore).not.toHaveProperty('boreal.format')
  expect(up.rowsAfter).toEqual({ ...up.rowsBefore, 'boreal.format': 0, 'boreal.schema_migration': SCHEMA })
  expect((await api.get(headers.get('location')!)).body).toMatchObject({ kind: 'migrationPlan', state: 'done' })
  expect((await plan({ snapshotId, to: 2 })).body).toMatchObject({ from: 2, to: 2, scripts: [] })

  await node.snapshots.take()
  const { body: down } = await plan({ to: 2 })
  expect(down).toMatchObject({ from: SCHEMA, to: 2 })
  expect(down.scripts.map(({ name }: { name: string }) => name)).toEqual([
    '0004_resources/down.sql',
    '0003_format/down.sql',
  ])
  expect((await plan({ to: SCHEMA + 1 })).body.code).toBe('invalid_field')
  expect((await plan({ to: 0 })).body.code).toBe('invalid_field')
  expect((await plan({ snapshotId: 'nobody' })).body.code).toBe('not_found')
  expect((await objects.list('')).objects.map(({ key }) => key)).toEqual(
    expect.arrayContaining(before.map(({ key }) => key)),
  )
})

test('a plan that fails says where, as a restore would', { timeout: MINUTE }, async () => {
  const { api } = await apiOn(SCHEMA)
  const { body, status } = await api.send('POST', '/v1/migrations/plan', { to: 2 })
  expect([status, body.code]).toEqual([503, 'migration_failed'])
  expect(body.detail).toMatch(/^0003_format\/down\.sql line 2: the store was finalized to format 2/)
})

test('a build before says of a snapshot of today that it goes down', { timeout: MINUTE }, async () => {
  const { api, snapshotId } = await apiOn(SCHEMA, SCHEMA - 1)
  const { body } = await api.get('/v1/migrations')
  expect(body.snapshots).toMatchObject([{ snapshotId, schemaVersion: SCHEMA, restore: 'down' }])
  expect((await api.send('POST', '/v1/migrations/plan', {})).body).toMatchObject({ from: SCHEMA, to: SCHEMA - 1 })
})

test('a node without an object store has migrations, but no snapshots', async () => {
  const api = await serveNode((await memoryNode({ objects: undefined })).node)
  expect((await api.get('/v1/migrations')).body).toMatchObject({ schemaVersion: SCHEMA, snapshots: [] })
  expect((await api.send('POST', '/v1/migrations/plan', {})).body.code).toBe('not_available')
})
